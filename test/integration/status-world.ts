import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { eventually } from "../rig/eventually.ts";
import { forwarderBundle } from "../rig/forwarder-bundle.ts";
import { Program } from "../rig/program.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { type Ended, wazuhDfn } from "./cli.ts";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Requests a path over a Unix socket by HTTP. */
export function ask(socketPath: string, path: string, method = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, method, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      response.on("error", reject);
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** An alert that the fail2ban handler wants. */
export function alertLine(second: number, banned = "198.51.100.7"): string {
  return JSON.stringify({
    timestamp: new Date(second * 1000).toISOString().replace("Z", "+0000"),
    rule: { level: 5, description: "banned", id: "100", groups: ["fail2ban"] },
    agent: { id: "001", name: "host", ip: "192.0.2.1" },
    manager: { name: "m" },
    id: `${second}.1`,
    data: { srcip: banned, program_name: "fail2ban.actions" },
    location: "/var/log/fail2ban.log",
  });
}

/** A manager's directories and a forwarder with the file sink, in a temporary directory; removed with it. */
export class StatusWorld implements AsyncDisposable {
  readonly directory: TempDir;
  readonly config: string;
  readonly statusSocket: string;
  readonly alertSocket: string;
  readonly alertsJson: string;
  readonly records: string;
  readonly deadLetters: string;
  readonly #programs: Program[] = [];

  private constructor(directory: TempDir) {
    this.directory = directory;
    this.config = directory.join("config.yaml");
    this.statusSocket = directory.join("status.sock");
    this.alertSocket = directory.join("alerts.sock");
    this.alertsJson = directory.join("ossec/logs/alerts/alerts.json");
    this.records = directory.join("records.ndjson");
    this.deadLetters = directory.join("state/dead-letters");
    mkdirSync(directory.join("ossec/logs/alerts"), { recursive: true });
    writeFileSync(this.alertsJson, "");
    this.configure();
  }

  static async create(): Promise<StatusWorld> {
    return new StatusWorld(await TempDir.create());
  }

  /** @param sink in place of the file */
  configure(
    handlers: Readonly<Record<string, unknown>> = { fail2ban: {} },
    statusSocket = this.statusSocket,
    sink: Readonly<Record<string, unknown>> = { file: { path: this.records } },
  ): void {
    const settings = {
      dfn: { customer_id: "acme" },
      wazuh: { home: this.directory.join("ossec"), feedback: "off" },
      sources: { socket: { path: this.alertSocket }, tail: { start: "beginning" } },
      sink,
      handlers,
      state_dir: this.directory.join("state"),
      status: { listen: statusSocket },
    };
    writeFileSync(this.config, JSON.stringify(settings)); // JSON is YAML
  }

  /** Starts the forwarder and resolves when it accepts alerts. */
  async start(): Promise<Program> {
    const program = new Program(process.execPath, [forwarderBundle, "run", "--config", this.config]);
    this.#programs.push(program);
    await program.waitForLog(/"msg":"started"/);
    return program;
  }

  run(...args: readonly string[]): Promise<Ended> {
    return wazuhDfn([...args, "--config", this.config]);
  }

  ask(path: string, method?: string): Promise<Answer> {
    return ask(this.statusSocket, path, method);
  }

  writeLog(...lines: readonly string[]): void {
    appendFileSync(this.alertsJson, lines.map((line) => `${line}\n`).join(""));
  }

  /** The records in the sink's file. */
  sent(): { readonly headers: Readonly<Record<string, string>>; readonly value: string; readonly topic: string }[] {
    const lines = readFileSync(this.records, "utf8").split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  /** Resolves when that many records are in the sink's file. */
  async sentReach(count: number): Promise<void> {
    await eventually(`${count} records`, () => this.sent().length >= count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#programs.map((program) => program[Symbol.asyncDispose]()));
    await this.directory[Symbol.asyncDispose]();
  }
}
