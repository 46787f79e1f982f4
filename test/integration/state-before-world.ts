/** What the version before this one left in its state directory: test/data/state-before. */
import assert from "node:assert/strict";
import { appendFileSync, copyFileSync, cpSync, linkSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { headerNames } from "../../daemon/header-names.ts";
import { repositoryRoot } from "../../scripts/repository.ts";
import { forwarderBundle } from "../rig/forwarder-bundle.ts";
import { Program } from "../rig/program.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { ask } from "./status-world.ts";

/** A record as the file sink writes it. */
export interface FileRecord {
  readonly topic: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string;
}

export const data = join(repositoryRoot, "test/data/state-before");

/** What the forwarder of that time had seen; lines are whole alerts as text. */
interface Expected {
  /** A line of the log that was sent, and whose socket copy arrives now. */
  readonly late: string;
  /** An alert of the socket that was sent, and whose line arrives now. */
  readonly ahead: string;
  /** Lines of the log without an outcome. */
  readonly open: readonly string[];
  readonly deadLetters: readonly unknown[];
}

export const expected: Expected = JSON.parse(readFileSync(join(data, "expected.json"), "utf8"));

/** The directory in which the forwarder of that time ran. */
export class StateBefore implements AsyncDisposable {
  readonly log = "ossec/logs/alerts/2023/Nov/ossec-alerts-15.json";
  readonly directory: TempDir;
  #forwarder: Program | undefined;

  private constructor(directory: TempDir) {
    this.directory = directory;
  }

  static async create(): Promise<StateBefore> {
    const directory = await TempDir.create();
    cpSync(join(data, "state"), directory.join("state"), { recursive: true });
    cpSync(join(data, "alerts"), directory.join("ossec/logs/alerts"), { recursive: true });
    copyFileSync(join(data, "records.ndjson"), directory.join("records.ndjson"));
    const world = new StateBefore(directory);
    linkSync(directory.join(world.log), directory.join("ossec/logs/alerts/alerts.json"));
    world.configure({});
    return world;
  }

  /** @param more settings in addition to those of that time */
  configure(more: Readonly<Record<string, unknown>>): void {
    const settings = {
      dfn: { customer_id: "acme" },
      wazuh: { home: "ossec", feedback: "off" },
      sources: { socket: { path: "alerts.sock" }, tail: { start: "beginning" } },
      sink: { file: { path: "records.ndjson" } },
      handlers: { fail2ban: {} },
      state_dir: "state",
      status: { listen: "status.sock" },
      ...more,
    };
    writeFileSync(this.directory.join("config.yaml"), JSON.stringify(settings)); // JSON is YAML
  }

  async start(): Promise<Program> {
    await this.#forwarder?.[Symbol.asyncDispose]();
    this.#forwarder = this.#command("run");
    await this.#forwarder.waitForLog(/"msg":"started"/);
    return this.#forwarder;
  }

  async deadLetters(): Promise<unknown[]> {
    await using command = this.#command("dead-letter", "list", "--json");
    assert.equal(await command.end(), 0);
    return JSON.parse(command.outputLines.join("\n"));
  }

  async status() {
    return JSON.parse((await ask(this.directory.join("status.sock"), "/status")).body);
  }

  write(...lines: readonly string[]): void {
    appendFileSync(this.directory.join(this.log), lines.map((line) => `${line}\n`).join(""));
  }

  /** What the sink's file holds, line by line. */
  records(): FileRecord[] {
    return linesOf(readFileSync(this.directory.join("records.ndjson"))).map((line): FileRecord => JSON.parse(line));
  }

  /** How many records of each alert the sink's file holds, by id; without those of another topic than that of the alerts. */
  sent(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { topic, headers } of this.records()) {
      if (topic !== "acme") continue;
      const id = headers[headerNames.id] ?? "";
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    return counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#forwarder?.[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }

  /** Paths are relative in those files, so that they hold in any directory. */
  #command(...args: readonly string[]): Program {
    return new Program(process.execPath, [forwarderBundle, ...args, "--config", "config.yaml"], {
      cwd: this.directory.path,
    });
  }
}

export function linesOf(content: Buffer): string[] {
  return content
    .toString()
    .split("\n")
    .filter((line) => line !== "");
}

export function idOf(line: string): string {
  return JSON.parse(line).id;
}
