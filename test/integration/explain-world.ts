import { execFile } from "node:child_process";
import { linkSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { gzipSync } from "node:zlib";
import { forwarderBundle } from "../rig/forwarder-bundle.ts";
import { Program } from "../rig/program.ts";
import { TempDir } from "../rig/temp-dir.ts";
import type { Settings } from "../rig/world.ts";

/** What a command wrote, and its exit code. */
export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** 21 November 2026, 10:00 in UTC. */
export const day = Date.UTC(2026, 10, 21, 10) / 1000;

/** A ban of fail2ban, which the handler wants unless something is changed. */
export function ban(id: string, changes: Readonly<Record<string, unknown>> = {}): string {
  const second = Number(id.split(".")[0]);
  return JSON.stringify({
    timestamp: new Date((Number.isNaN(second) ? day : second) * 1000).toISOString().replace("Z", "+0000"),
    rule: { level: 8, id: "100101", groups: ["syslog", "fail2ban"] },
    agent: { id: "004", name: "web1", ip: "192.0.2.4" },
    manager: { name: "manager" },
    id,
    full_log: "fail2ban.actions [812]: NOTICE [sshd] Ban 203.0.113.9",
    data: { program_name: "fail2ban.actions", srcip: "203.0.113.9", severity: "NOTICE", pid: "812" },
    location: "/var/log/fail2ban.log",
    ...changes,
  });
}

/** A manager's log with its archives, settings with the file sink, and the built command. */
export class ExplainWorld implements AsyncDisposable {
  readonly directory: TempDir;
  readonly records: string;
  readonly alerts: string;
  readonly #programs: Program[] = [];
  #settings: Settings;

  private constructor(directory: TempDir) {
    this.directory = directory;
    this.records = directory.join("records.ndjson");
    this.alerts = directory.join("ossec/logs/alerts");
    mkdirSync(this.alerts, { recursive: true });
    mkdirSync(directory.join("state"), { mode: 0o750 });
    this.#settings = {
      dfn: { customer_id: "acme" },
      wazuh: { home: directory.join("ossec"), feedback: "off" },
      sources: { socket: "off", tail: { start: "beginning" } },
      sink: { file: { path: this.records } },
      state_dir: directory.join("state"),
      status: { listen: directory.join("status.sock") },
    };
    this.configure({});
  }

  static async create(): Promise<ExplainWorld> {
    return new ExplainWorld(await TempDir.create());
  }

  /** @returns path of the settings */
  configure(changes: Settings, name = "config.yaml"): string {
    this.#settings = { ...this.#settings, ...changes };
    writeFileSync(this.directory.join(name), JSON.stringify(this.#settings));
    return this.directory.join(name);
  }

  /** Writes an archive of a day in November 2026, compressed if its name says so. @returns its path */
  archive(name: string, ...lines: readonly string[]): string {
    const content = lines.map((line) => `${line}\n`).join("");
    return this.rawArchive(name, name.endsWith(".gz") ? gzipSync(content) : Buffer.from(content));
  }

  rawArchive(name: string, content: Buffer): string {
    const path = `${this.alerts}/2026/Nov/ossec-alerts-${name}`;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  /** Makes alerts.json a second name of an archive, as analysisd does. */
  makeLive(archive: string): string {
    const path = `${this.alerts}/alerts.json`;
    linkSync(archive, path);
    return path;
  }

  file(name: string, content: string | Buffer): string {
    writeFileSync(this.directory.join(name), content);
    return this.directory.join(name);
  }

  /** Runs a command to its end. @param input what standard input brings */
  run(
    args: readonly string[],
    input: string | Buffer = "",
    config = this.directory.join("config.yaml"),
    env: Readonly<Record<string, string>> = {},
  ): Promise<Result> {
    const command = [forwarderBundle, ...args, "--config", config];
    return new Promise((resolve, reject) => {
      const options = { env: { PATH: process.env["PATH"] ?? "", ...env }, timeout: 120_000, maxBuffer: 1 << 28 };
      const child = execFile(process.execPath, command, options, (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code;
        if (typeof code === "number") resolve({ code, stdout, stderr });
        else reject(new Error(`the command did not end by itself: ${stderr}`, { cause: error }));
      });
      // A command that does not read it may have ended.
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(input);
    });
  }

  explain(...args: readonly string[]): Promise<Result> {
    return this.run(["explain", ...args]);
  }

  /** Starts the forwarder and resolves when it accepts alerts. */
  async start(): Promise<Program> {
    const program = new Program(process.execPath, [
      forwarderBundle,
      "run",
      "--config",
      this.directory.join("config.yaml"),
    ]);
    this.#programs.push(program);
    await program.waitForLog(/"msg":"started"/);
    return program;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#programs.map((program) => program[Symbol.asyncDispose]()));
    await this.directory[Symbol.asyncDispose]();
  }
}
