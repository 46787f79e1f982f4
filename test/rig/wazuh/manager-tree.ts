import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { repositoryRoot } from "../../../scripts/repository.ts";
import { bundledCustomDfn } from "../custom-dfn.ts";
import { eventually } from "../eventually.ts";
import { present } from "../present.ts";
import { processState } from "../process-state.ts";

/**
 * The user of Wazuh's daemons: a number that no user of this machine has; or the user who runs the tests, unless that
 * is root.
 */
export const wazuhId = process.getuid?.() === 0 ? 41_990 : present(process.getuid?.());
export const wazuhGroup = process.getuid?.() === 0 ? wazuhId : present(process.getgid?.());
const rootId = process.getuid?.() === 0 ? 0 : wazuhId;

const ossecConf = `<!-- a made-up manager -->
<ossec_config>
  <global>
    <jsonout_output>yes</jsonout_output>
  </global>
  <alerts>
    <log_alert_level>3</log_alert_level>
  </alerts>
  <ruleset>
    <rule_dir>ruleset/rules</rule_dir>
    <rule_dir>etc/rules</rule_dir>
  </ruleset>
</ossec_config>
`;

const rules = `<group name="dfn,">
  <rule id="100900" level="0">
    <decoded_as>json</decoded_as>
    <location>^dfn$</location>
    <field name="integration">^dfn$</field>
    <description>wazuh-dfn</description>
  </rule>
</group>
`;

/**
 * What stock rules say about Windows events, as far as doctor asks (Wazuh 4.14: 0580-win-security_rules.xml and
 * others).
 */
const stockRules = `<group name="windows,windows_security,">
  <rule id="60103" level="0"><field name="win.system.severityValue">^AUDIT_SUCCESS$|^success$</field></rule>
  <rule id="60104" level="5"><field name="win.system.severityValue">^AUDIT_FAILURE$|^failure$</field></rule>
  <rule id="63108" level="0"><field name="win.system.severityValue">^INFORMATION$</field></rule>
  <rule id="60105" level="5">
    <if_sid>60104</if_sid>
    <field name="win.system.eventID">^529$|^530$|^4625$</field>
  </rule>
  <rule id="60122" level="5"><if_sid>60105</if_sid><field name="win.system.eventID">^529$|^4625$</field></rule>
  <rule id="60204" level="10" frequency="8" timeframe="240"><if_matched_group>authentication_failed</if_matched_group></rule>
  <rule id="60112" level="8">
    <if_sid>60103</if_sid>
    <field name="win.system.eventID">^612$|^643$|^4719$|
      |^4907$</field>
  </rule>
  <rule id="60228" level="4"><if_sid>60103</if_sid><field name="win.system.eventID">^4698$</field></rule>
  <rule id="60109" level="8"><if_sid>60103</if_sid><field name="win.system.eventID">^624$|^4720$</field></rule>
  <rule id="63103" level="5"><if_sid>63108</if_sid><field name="win.system.eventID">^1102$</field></rule>
</group>
`;

export type DaemonName = "wazuh-analysisd" | "wazuh-integratord";

/**
 * What a Wazuh 4 manager has on disk in addition to its log, with the owners and modes of its packages, and processes
 * that act as its daemons: they have the names, the pid files and, for integratord, alerts.json open.
 */
export class ManagerTree implements AsyncDisposable {
  readonly home: string;
  readonly conf: string;
  readonly customDfn: string;
  readonly rules: string;
  readonly #daemons = new Map<DaemonName, ChildProcess>();

  /** @param home exists, with `queue/sockets` and `logs/alerts/alerts.json` in it */
  constructor(home: string) {
    this.home = home;
    this.conf = join(home, "etc/ossec.conf");
    this.customDfn = join(home, "integrations/custom-dfn");
    this.rules = join(home, "etc/rules/dfn_rules.xml");
    for (const path of ["etc/rules", "etc/decoders", "ruleset/rules", "integrations", "var/run"])
      mkdirSync(join(home, path), { recursive: true });
    writeFileSync(join(home, "VERSION.json"), '{"version": "4.14.7", "stage": "rc1"}\n');
    writeFileSync(this.conf, ossecConf);
    writeFileSync(this.rules, rules);
    writeFileSync(join(home, "ruleset/rules/0580-win-security_rules.xml"), stockRules);
    for (const path of ["rules/dfn_event_rules.xml", "decoders/zz_dfn_decoders.xml"]) {
      copyFileSync(join(repositoryRoot, "ossec-snippets", basename(path)), join(home, "etc", path));
    }
    this.installCustomDfn();
    const modes: [string, number, number][] = [
      [".", 0o750, rootId],
      ["etc", 0o770, wazuhId],
      ["etc/ossec.conf", 0o660, rootId],
      ["etc/rules", 0o770, wazuhId],
      ["integrations", 0o750, rootId],
      ["var/run", 0o770, rootId],
      ["queue", 0o750, rootId],
      ["queue/sockets", 0o770, wazuhId],
      ["queue/sockets/queue", 0o660, wazuhId],
      ["logs", 0o770, wazuhId],
      ["logs/alerts", 0o750, wazuhId],
      ["logs/alerts/alerts.json", 0o640, wazuhId],
      ["VERSION.json", 0o440, rootId],
    ];
    for (const [path, mode, owner] of modes) {
      chmodSync(join(home, path), mode);
      chownSync(join(home, path), owner, wazuhGroup);
    }
  }

  /** As installed: owned by root, not writable for Wazuh. An ordinary user can only do the latter. */
  installCustomDfn(program = bundledCustomDfn.path): void {
    this.#putCustomDfn(readFileSync(program));
  }

  /** Another program in its place. */
  replaceCustomDfn(text: string): void {
    this.#putCustomDfn(Buffer.from(text));
  }

  /** Appends to ossec.conf. @param inner the tags of an `<integration>` apart from its name */
  addIntegration(inner: string): void {
    const block = `<integration>\n<name>custom-dfn</name>\n${inner}\n</integration>`;
    writeFileSync(this.conf, `${readFileSync(this.conf, "utf8")}<ossec_config>\n${block}\n</ossec_config>\n`);
  }

  /** Replaces in ossec.conf. */
  changeConf(from: string, to: string): void {
    const text = readFileSync(this.conf, "utf8");
    if (!text.includes(from)) throw new Error(`ossec.conf has no ${from}`);
    writeFileSync(this.conf, text.replace(from, to));
  }

  /** integratord reads alerts.json to its end, and continues. The umask keeps its temporary files from others. */
  async start(name: DaemonName, umask = 0o027): Promise<void> {
    const file = join(this.home, "logs/alerts/alerts.json");
    const isReader = name === "wazuh-integratord";
    const argv0 = join(this.home, "bin", name);
    const own = process.umask(umask);
    const child = spawn(isReader ? "tail" : "sleep", isReader ? ["-n", "0", "-f", file] : ["600"], {
      argv0,
      env: { PATH: process.env["PATH"] },
      stdio: "ignore",
    });
    process.umask(own);
    await once(child, "spawn");
    this.#daemons.set(name, child);
    const proc = `/proc/${present(child.pid)}`;
    // The name is there from exec on, which comes after "spawn".
    await eventually(name, () => readFileSync(`${proc}/cmdline`, "latin1").includes(argv0));
    if (isReader) {
      const targets = (): string[] => readdirSync(`${proc}/fd`).map((fd) => readlinkSync(`${proc}/fd/${fd}`));
      await eventually(`${name} reading`, () => targets().includes(file));
    }
    writeFileSync(join(this.home, `var/run/${name}-${present(child.pid)}.pid`), String(child.pid));
  }

  /** Stops it with SIGSTOP, and resolves when it has stopped. */
  async freeze(name: DaemonName): Promise<void> {
    const child = present(this.#daemons.get(name));
    child.kill("SIGSTOP");
    await eventually(`${name} to be stopped`, () => processState(present(child.pid)) === "T");
  }

  async stop(name: DaemonName): Promise<void> {
    const child = this.#daemons.get(name);
    if (child === undefined) return;
    this.#daemons.delete(name);
    child.kill("SIGKILL");
    await once(child, "close");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#daemons.keys()].map((name) => this.stop(name)));
  }

  #putCustomDfn(content: Buffer): void {
    rmSync(this.customDfn, { force: true });
    writeFileSync(this.customDfn, content);
    chmodSync(this.customDfn, rootId === 0 ? 0o750 : 0o550);
    chownSync(this.customDfn, rootId, wazuhGroup);
  }
}
