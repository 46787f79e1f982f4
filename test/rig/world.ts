import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { AlertStream } from "./alert-stream.ts";
import { eventually } from "./eventually.ts";
import { forwarderBundle } from "./forwarder-bundle.ts";
import type { Kafka, TopicOptions } from "./kafka.ts";
import { Program } from "./program.ts";
import { readTopic, type ReadRecord } from "./read-topic.ts";
import { TempDir } from "./temp-dir.ts";
import { AlertMaker } from "./wazuh/alerts.ts";
import { Analysisd } from "./wazuh/analysisd.ts";
import { Integratord, type IntegratordOptions } from "./wazuh/integratord.ts";
import { Ledger, type Judgement } from "./wazuh/ledger.ts";
import { QueueSocket } from "./wazuh/queue-socket.ts";

/** Settings by their section, as in the configuration file; whole sections are replaced. */
export type Settings = Readonly<Record<string, unknown>>;

export interface WorldOptions {
  /** False: the topic is not created. */
  readonly topic?: TopicOptions | false;
  readonly relevantShare?: number;
  readonly seed?: number;
  /** Time of the first alert, whose day's file it is in, milliseconds since 1970; default: now. */
  readonly startMs?: number;
  readonly settings?: Settings;
}

let count = 0;

/** One test's manager, topic and settings, in a temporary directory; removed with it, the processes first. */
export class World implements AsyncDisposable {
  readonly directory: TempDir;
  readonly kafka: Kafka;
  readonly topic = `test-${process.pid}-${Date.now()}-${count++}`;
  readonly ledger = new Ledger();
  readonly analysisd: Analysisd;
  readonly queue: QueueSocket;
  readonly socketPath: string;
  readonly #settings: Settings;
  readonly #programs: Program[] = [];

  private constructor(directory: TempDir, kafka: Kafka, options: WorldOptions) {
    this.directory = directory;
    this.kafka = kafka;
    const home = directory.join("ossec");
    for (const path of ["logs/alerts", "queue/sockets", "etc"]) mkdirSync(`${home}/${path}`, { recursive: true });
    this.queue = new QueueSocket(`${home}/queue/sockets/queue`);
    this.analysisd = new Analysisd(home, new AlertMaker(options), this.ledger, new Date(options.startMs ?? Date.now()));
    this.socketPath = directory.join("alerts.sock");
    this.#settings = {
      dfn: { customer_id: this.topic },
      wazuh: { home },
      sources: { socket: { path: this.socketPath }, tail: { start: "beginning" } },
      sink: { kafka: { brokers: kafka.addresses } },
      state_dir: directory.join("state"),
      status: { listen: directory.join("status.sock") },
      ...options.settings,
    };
  }

  static async create(kafka: Kafka, options: WorldOptions = {}): Promise<World> {
    const world = new World(await TempDir.create(), kafka, options);
    if (options.topic !== false) await kafka.createTopic(world.topic, options.topic);
    return world;
  }

  /** Writes the settings. @returns path of the file */
  configure(settings: Settings = {}): string {
    const path = this.directory.join("config.yaml");
    writeFileSync(path, JSON.stringify({ ...this.#settings, ...settings }, undefined, 1)); // JSON is YAML
    return path;
  }

  /** Starts a command of the forwarder. */
  command(name: string, args: readonly string[] = [], settings?: Settings): Program {
    const all = [forwarderBundle, name, "--config", this.configure(settings), ...args];
    const program = new Program(process.execPath, all);
    this.#programs.push(program);
    return program;
  }

  /** Starts the forwarder and resolves when it is ready for alerts. */
  async startForwarder(settings?: Settings): Promise<Program> {
    const forwarder = this.command("run", [], settings);
    await forwarder.waitForLog(/"msg":"started"/);
    return forwarder;
  }

  integratord(options: Partial<IntegratordOptions> = {}): Integratord {
    return new Integratord({
      alertsJson: this.analysisd.alertsJson,
      hookUrl: `unix:${this.socketPath}`,
      pollMs: 50,
      ...options,
    });
  }

  stream(): Promise<AlertStream> {
    return AlertStream.connect(this.socketPath);
  }

  readTopic(): Promise<ReadRecord[]> {
    return readTopic(this.kafka.addresses, this.topic);
  }

  /**
   * The promise: resolves when every relevant alert that was written is in the topic. Then stops the forwarder
   * properly, so that nothing can come late, and checks that nothing is missing, altered, made up or out of order.
   * @param options mayReorder: agents may change places; mayRepeat: records may be there twice, and are compared one by
   * one until none is missing
   * @returns the records, and the number of surplus ones
   */
  async everythingDelivered(
    forwarder: Program,
    options: { withinMs?: number; mayReorder?: boolean; mayRepeat?: boolean } = {},
  ): Promise<{ records: ReadRecord[]; judgement: Judgement }> {
    this.analysisd.flush();
    const { expected } = this.ledger;
    await this.kafka.recordsReach(this.topic, expected, options).catch((reason: unknown) => {
      throw new Error(`the forwarder's log:\n${forwarder.errorLines.slice(-30).join("\n")}`, { cause: reason });
    });
    if (options.mayRepeat === true) {
      const isComplete = async (): Promise<boolean> => this.ledger.judge(await this.readTopic()).missing.length === 0;
      await eventually("the alerts that are still missing", isComplete, options);
    }
    const { ended } = await forwarder.stop();
    assert.equal(ended, 0, forwarder.errorLines.slice(-20).join("\n"));
    const records = await this.readTopic();
    const judgement = this.ledger.judge(records);
    const { twice } = judgement;
    const outOfOrder = options.mayReorder === true ? judgement.outOfOrder : [];
    assert.deepEqual(judgement, { expected, missing: [], invented: [], altered: [], twice, outOfOrder });
    return { records, judgement };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#programs.map((program) => program[Symbol.asyncDispose]()));
    this.analysisd[Symbol.dispose]();
    this.queue[Symbol.dispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}
