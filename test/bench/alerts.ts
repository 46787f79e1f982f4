import { closeSync, openSync, writeSync } from "node:fs";
import { defaultEventIds } from "../../daemon/handlers/windows.ts";
import { present } from "../rig/present.ts";
import { seededRandom } from "../rig/random.ts";

/** Number of different ordinary alerts, chosen so that they compress about as well as real ones. */
const bodyCount = 2000;
const writeBytes = 1024 * 1024;
const otherEventIds = ["4624", "4634", "4688", "4768", "4769", "5140", "7036"];

/** The text around the id of an alert; the timestamp comes first. */
interface Body {
  readonly before: string;
  readonly after: string;
}

export interface AlertMix {
  /** One alert in this many is a Windows event that the forwarder sends; 0: none is, 1: all are. */
  readonly relevantEvery: number;
  /** Minimum length of each line, reached by a text in it. Bytes, newline included. */
  readonly lineBytes?: number;
}

/** Makes alerts as Wazuh 4.14 writes them: Windows events, sshd, web server, file integrity; about 1.3 KB a line. */
export class BenchAlerts {
  readonly #mix: AlertMix;
  readonly #random = seededRandom(7);
  readonly #relevant: Body[];
  readonly #ordinary: Body[];
  #count = 0;

  constructor(mix: AlertMix) {
    this.#mix = mix;
    this.#relevant = Array.from({ length: bodyCount }, () => this.#windows(defaultEventIds));
    const kinds = [
      () => this.#windows(otherEventIds),
      () => this.#windows(otherEventIds),
      () => this.#web(),
      () => this.#integrity(),
      () => this.#sshd(),
    ];
    this.#ordinary = Array.from({ length: bodyCount }, (_, index) => present(kinds[index % kinds.length])());
  }

  /** The next line, with its newline. Timestamp and id are its own. */
  next(): string {
    const index = this.#count++;
    const isRelevant = this.#mix.relevantEvery > 0 && index % this.#mix.relevantEvery === 0;
    const body = present((isRelevant ? this.#relevant : this.#ordinary)[Math.floor(this.#random() * bodyCount)]);
    const time = new Date(1_764_800_000_000 + index).toISOString().replace("Z", "+0000");
    const id = `${1_764_800_000 + Math.floor(index / 1000)}.${10_000_000 + index * 1300}`;
    const line = `{"timestamp":"${time}",${body.before}"id":"${id}",${body.after}`;
    const missing = (this.#mix.lineBytes ?? 0) - line.length - `,"previous_output":""}\n`.length;
    return missing > 0 ? `${line},"previous_output":"${this.#words(missing)}"}\n` : `${line}}\n`;
  }

  #windows(eventIds: readonly string[]): Body {
    const id = this.#pick(eventIds);
    const system = {
      providerName: "Microsoft-Windows-Security-Auditing",
      providerGuid: "{54849625-5478-4994-a5ba-3e3b0328c30d}",
      eventID: id,
      version: "0",
      level: "0",
      task: "12544",
      opcode: "0",
      keywords: "0x8010000000000000",
      systemTime: `2026-11-21T0${this.#digits(1)}:28:19.${this.#digits(7)}Z`,
      eventRecordID: this.#digits(8),
      processID: "708",
      threadID: this.#digits(4),
      channel: "Security",
      computer: `SRV-SQL-${this.#digits(2)}.example.org`,
      severityValue: "AUDIT_FAILURE",
      message: "",
    };
    const eventdata = {
      subjectUserSid: "S-1-5-18",
      subjectUserName: `SRV-SQL-${this.#digits(2)}$`,
      subjectDomainName: "EXAMPLE",
      subjectLogonId: "0x3e7",
      targetUserName: `${this.#words(8)}.o'neil & <sons>`,
      status: "0xc000006d",
      subStatus: "0xc000006a",
      logonType: "3",
      logonProcessName: "NtLmSsp",
      authenticationPackageName: "NTLM",
      ipAddress: `192.168.${this.#digits(2)}.${this.#digits(2)}`,
      ipPort: this.#digits(5),
    };
    const rule = this.#rule("60122", `Logon failure (${id})`, ["windows", "windows_security", "authentication_failed"]);
    return this.#body(rule, { data: { win: { system, eventdata } }, decoder: { name: "windows_eventchannel" } });
  }

  #web(): Body {
    const url = `/${this.#hex(8)}/${this.#hex(8)}/${this.#hex(8)}/${this.#hex(8)}`;
    const srcip = `203.0.113.${this.#digits(2)}`;
    const log = `${srcip} - - [21/Nov/2026:08:51:08 +0100] "GET ${url} HTTP/1.1" 404 196 "-" "Mozilla/5.0 (X11; Linux)"`;
    return this.#body(this.#rule("31101", "Web server 400 error code.", ["web", "accesslog", "attack"]), {
      full_log: log,
      decoder: { name: "web-accesslog" },
      data: { protocol: "GET", srcip, id: "404", url },
    });
  }

  #integrity(): Body {
    const path = `/etc/app/${this.#hex(10)}.conf`;
    return this.#body(this.#rule("550", "Integrity checksum changed.", ["ossec", "syscheck", "syscheck_file"]), {
      full_log: `File '${path}' modified\nMode: scheduled\nChanged attributes: size,mtime,md5,sha1,sha256\n`,
      syscheck: {
        path,
        mode: "scheduled",
        md5_before: this.#hex(32),
        md5_after: this.#hex(32),
        sha256_before: this.#hex(64),
        sha256_after: this.#hex(64),
        event: "modified",
      },
      decoder: { name: "syscheck_integrity_changed" },
    });
  }

  #sshd(): Body {
    const srcip = `203.0.113.${this.#digits(2)}`;
    const log = `Nov 21 08:51:08 web01 sshd[${this.#digits(5)}]: Failed password for ${this.#words(200)} from ${srcip}`;
    return this.#body(this.#rule("5760", "sshd: authentication failed.", ["syslog", "sshd", "authentication_failed"]), {
      full_log: log,
      predecoder: { program_name: "sshd", timestamp: "Nov 21 08:51:08", hostname: "web01" },
      decoder: { parent: "sshd", name: "sshd" },
      data: { srcip, srcport: this.#digits(4), dstuser: this.#words(6) },
    });
  }

  #rule(id: string, description: string, groups: readonly string[]): object {
    return {
      level: 5,
      description,
      id,
      mitre: {
        id: ["T1078", "T1531"],
        tactic: ["Defense Evasion", "Persistence", "Privilege Escalation", "Initial Access", "Impact"],
        technique: ["Valid Accounts", "Account Access Removal"],
      },
      firedtimes: Number(this.#digits(4)),
      mail: false,
      groups,
      gdpr: ["IV_35.7.d", "IV_32.2"],
      gpg13: ["7.1"],
      hipaa: ["164.312.b"],
      nist_800_53: ["AU.14", "AC.7"],
      pci_dss: ["10.2.4", "10.2.5"],
      tsc: ["CC6.1", "CC6.8", "CC7.2", "CC7.3"],
    };
  }

  #body(rule: object, rest: object): Body {
    const agent = { id: this.#digits(3), name: `srv-${this.#hex(4)}`, ip: `10.51.${this.#digits(2)}.132` };
    const before = inner({ rule, agent, manager: { name: "wazuh-manager-1" } });
    const after = inner({ cluster: { name: "wazuh", node: "node01" }, ...rest, location: "EventChannel" });
    return { before: `${before},`, after };
  }

  #pick<T>(from: readonly T[]): T {
    return present(from[Math.floor(this.#random() * from.length)]);
  }

  #digits(count: number): string {
    return Array.from({ length: count }, () => 1 + Math.floor(this.#random() * 9)).join("");
  }

  #hex(count: number): string {
    return Array.from({ length: count }, () => Math.floor(this.#random() * 16).toString(16)).join("");
  }

  #words(length: number): string {
    const words = ["failed", "session", "error", "account", "validated", "remote", "returned", "while", "against"];
    let text = "";
    while (text.length < length) text += `${this.#pick(words)} `;
    return text.slice(0, length);
  }
}

/** The members of an object as JSON, without its braces. */
function inner(value: object): string {
  return JSON.stringify(value).slice(1, -1);
}

/**
 * Writes lines until the given number of lines or of bytes is reached.
 * @returns both
 */
export function writeLines(
  path: string,
  next: () => string | Buffer,
  until: { readonly lines?: number; readonly bytes?: number },
): { readonly lines: number; readonly bytes: number } {
  const file = openSync(path, "w");
  let lines = 0;
  let bytes = 0;
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  while (lines < (until.lines ?? Infinity) && bytes < (until.bytes ?? Infinity)) {
    const line = Buffer.from(next());
    waiting.push(line);
    waitingBytes += line.length;
    bytes += line.length;
    lines += 1;
    if (waitingBytes < writeBytes) continue;
    writeSync(file, Buffer.concat(waiting));
    waiting = [];
    waitingBytes = 0;
  }
  writeSync(file, Buffer.concat(waiting));
  closeSync(file);
  return { lines, bytes };
}
