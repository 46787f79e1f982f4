import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { eventually } from "../../test/rig/eventually.ts";
import { Program } from "../../test/rig/program.ts";
import type { ReadRecord } from "../../test/rig/read-topic.ts";
import { TempDir } from "../../test/rig/temp-dir.ts";
import { AlertMaker } from "../../test/rig/wazuh/alerts.ts";
import { Analysisd } from "../../test/rig/wazuh/analysisd.ts";
import { Integratord } from "../../test/rig/wazuh/integratord.ts";
import { Ledger } from "../../test/rig/wazuh/ledger.ts";
import { QueueSocket } from "../../test/rig/wazuh/queue-socket.ts";
import { repositoryRoot } from "../repository.ts";
import { readRecords } from "./records.ts";

/**
 * A small manager in a temporary directory, with a forwarder next to it whose sink is a file. The tail lets the socket's
 * copy of an alert go first for two seconds, so that the demo shows both ways at work.
 */
export class Manager implements AsyncDisposable {
  readonly ledger = new Ledger();
  readonly analysisd: Analysisd;
  readonly integratord: Integratord;
  readonly queue: QueueSocket;
  readonly #directory: TempDir;
  readonly #recordsPath: string;
  readonly #socketPath: string;
  #forwarder: Program | undefined;

  private constructor(directory: TempDir) {
    this.#directory = directory;
    this.#recordsPath = directory.join("records.ndjson");
    this.#socketPath = directory.join("alerts.sock");
    const home = directory.join("ossec");
    mkdirSync(join(home, "logs/alerts"), { recursive: true });
    this.queue = new QueueSocket(join(home, "queue/sockets/queue"));
    this.analysisd = new Analysisd(home, new AlertMaker(), this.ledger);
    this.integratord = new Integratord({
      alertsJson: this.analysisd.alertsJson,
      hookUrl: `unix:${this.#socketPath}`,
      pollMs: 100,
    });
    const settings = {
      dfn: { customer_id: "demo" },
      wazuh: { home },
      sources: { socket: { path: this.#socketPath }, tail: { start: "beginning", wait: "2s" } },
      sink: { file: { path: this.#recordsPath } },
      state_dir: directory.join("state"),
      status: { listen: directory.join("status.sock") },
    };
    writeFileSync(this.#configPath, JSON.stringify(settings, undefined, 2)); // JSON is YAML
  }

  static async create(): Promise<Manager> {
    return new Manager(await TempDir.create());
  }

  get records(): ReadRecord[] {
    return readRecords(this.#recordsPath);
  }

  /** Starts the built forwarder and waits until its socket takes a client. */
  async startForwarder(): Promise<void> {
    const bundle = join(repositoryRoot, "dist/wazuh-dfn.cjs");
    const forwarder = new Program(process.execPath, [bundle, "run", "--config", this.#configPath]);
    this.#forwarder = forwarder;
    await eventually("a forwarder that listens", () => {
      if (forwarder.ended !== undefined) throw new Error(forwarder.errorLines.join("\n"));
      return takesClients(this.#socketPath);
    });
  }

  /** @returns its exit code or the signal that ended it */
  async stopForwarder(signal: "SIGTERM" | "SIGKILL"): Promise<number | NodeJS.Signals | undefined> {
    return (await this.#forwarder?.stop(signal))?.ended;
  }

  /** Resolves when there are as many records as there have to be, or the time is over. */
  async allDelivered(withinMs: number): Promise<void> {
    const { expected } = this.ledger;
    const endsAt = performance.now() + withinMs;
    await eventually("all records", () => this.records.length >= expected || performance.now() > endsAt, {
      withinMs: withinMs + 1000,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.integratord[Symbol.asyncDispose]();
    this.analysisd[Symbol.dispose]();
    await this.#forwarder?.[Symbol.asyncDispose]();
    this.queue[Symbol.dispose]();
    await this.#directory[Symbol.asyncDispose]();
  }

  get #configPath(): string {
    return this.#directory.join("config.yaml");
  }
}

function takesClients(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
