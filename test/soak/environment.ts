import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { bundledCustomDfn } from "../rig/custom-dfn.ts";
import { eventually } from "../rig/eventually.ts";
import { OtherPrograms } from "../rig/other-programs.ts";
import { present } from "../rig/present.ts";
import { seededRandom } from "../rig/random.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { Analysisd } from "../rig/wazuh/analysisd.ts";
import { QueueSocket } from "../rig/wazuh/queue-socket.ts";
import { SoakAlertMaker, type Kind, type SoakAlert } from "./alerts.ts";
import { Caller, type CallCounts } from "./caller.ts";
import { readDeadLetters } from "./dead-letters.ts";
import { inTime, missingAfterMs } from "./fault.ts";
import { Forwarder } from "./forwarder.ts";
import { passwords, user, type TestBed } from "./test-bed.ts";
import { SoakLedger } from "./ledger.ts";
import { Load } from "./load.ts";
import { fetchText } from "./looks.ts";
import { mountSmall, unmount } from "./small-disk.ts";
import { ManifestReferee } from "./manifest-referee.ts";
import { Referee } from "./referee.ts";
import type { FollowedRecord } from "./follower.ts";
import { newKey } from "../rig/manifests/node-writer.ts";

export type Settings = Record<string, unknown>;

export const partitionCount = 3;
const relevantShare = 0.3;
/** A call of custom-dfn takes a core for 6 ms, so integratord's filter lets few alerts through. */
const calledShare = 40;
/** One call in this many goes the bundled way, which takes a core for 60 ms: Node starts. */
const bundledEvery = 20;
const settleWithinMs = 180_000;
/** Small enough to fill quickly, large enough for a dead letter of the longest line, and more than all dead letters may take. */
const stateDiskBytes = 384 << 20;
/** When this many alerts or fewer are left, they are searched for among the dead letters. */
const fewDead = 50;
/** What of the status says how far the forwarder is. */
const decidedForm = z.looseObject({
  log: z.looseObject({ state: z.string() }),
  queue: z.looseObject({ bytes: z.number() }),
  manifests: z.looseObject({ undecided: z.number().optional() }),
});
let count = 0;

/**
 * One manager, one topic, one forwarder and what is between them; a fault gets one of its own, a mixture one for all
 * its faults.
 */
export class Environment implements AsyncDisposable {
  readonly testBed: TestBed;
  readonly random: () => number;
  readonly directory: TempDir;
  readonly topic = `soak-${process.pid}-${count++}`;
  readonly ledger = new SoakLedger();
  readonly referee = new Referee(this.ledger);
  readonly manifestReferee = new ManifestReferee(this.topic);
  /** The key that signs manifests, and their topic. */
  readonly manifestKey = newKey();
  readonly manifestTopic = `${this.topic}-manifests`;
  readonly maker: SoakAlertMaker;
  readonly analysisd: Analysisd<SoakAlert>;
  readonly load: Load;
  readonly forwarder: Forwarder;
  readonly calls: CallCounts = { calls: 0, failed: 0, slowestMs: 0 };
  readonly socketPath: string;
  readonly statusPath: string;
  readonly stateDir: string;
  /** Bytes that must be in the dead-letter store although they are not an alert. */
  readonly fragments: Buffer[] = [];
  /** Settings that differ at the next start or reload. */
  settings: Settings = {};
  /** The brokers' addresses for the next start or reload; undefined: the real ones. */
  brokers: readonly string[] | undefined;
  readonly #queue: QueueSocket;
  #caller: Caller | undefined;

  private constructor(testBed: TestBed, directory: TempDir, seed: number, logFile: string | undefined) {
    this.testBed = testBed;
    this.directory = directory;
    this.random = seededRandom(seed);
    this.maker = new SoakAlertMaker(seed, relevantShare);
    this.socketPath = directory.join("run/alerts.sock");
    this.statusPath = directory.join("run/status.sock");
    this.stateDir = directory.join("state");
    for (const path of ["ossec/logs/alerts", "ossec/queue/sockets", "ossec/etc", "run", "state", "tls"]) {
      mkdirSync(directory.join(path), { recursive: true });
    }
    if (testBed.isRoot) mountSmall(this.stateDir, stateDiskBytes);
    chmodSync(directory.path, 0o755);
    for (const path of ["run", "state", "tls"]) testBed.give(directory.join(path));
    // Files and directories that the manager makes there get the forwarder's group.
    testBed.give(directory.join("ossec"));
    chmodSync(this.alertsDirectory, 0o2750);
    testBed.writeClientFiles(directory.join("tls"), "ca");
    this.writePassword(passwords.GOOD);
    const pem = this.manifestKey.export({ format: "pem", type: "pkcs8" });
    writeFileSync(directory.join("tls/manifest.pem"), pem, { mode: 0o600 });
    testBed.give(directory.join("tls/manifest.pem"));
    this.#queue = new QueueSocket(directory.join("ossec/queue/sockets/queue"));
    testBed.give(directory.join("ossec/queue/sockets/queue"));
    this.analysisd = new Analysisd(directory.join("ossec"), this.maker, this.ledger);
    this.load = new Load(this);
    this.forwarder = new Forwarder(testBed, this.statusPath, () => ["run", "--config", this.configure()], logFile);
  }

  /**
   * @param perSecond alerts that the manager writes all the time, until the environment is disposed of
   * @param logFile where the forwarder's log is kept
   */
  static async create(testBed: TestBed, seed: number, perSecond: number, logFile?: string): Promise<Environment> {
    const environment = new Environment(testBed, await TempDir.create(), seed, logFile);
    const config = { "message.timestamp.type": "LogAppendTime" };
    await testBed.kafka.createTopic(environment.topic, { partitions: partitionCount, config });
    await testBed.kafka.createTopic(environment.manifestTopic, { partitions: 1, config });
    testBed.follower.follow(environment.topic, environment.see);
    await environment.forwarder.start();
    environment.startCaller();
    environment.load.perSecond = perSecond;
    return environment;
  }

  /** Every record of the topic, in the order of their offsets within a partition. */
  readonly see = (record: FollowedRecord): void => {
    this.manifestReferee.see(record);
    this.referee.see(record);
  };

  get alertsDirectory(): string {
    return this.directory.join("ossec/logs/alerts");
  }

  /** Writes the settings. @returns path of the file */
  configure(text?: string): string {
    const path = this.directory.join("config.yaml");
    const tls = (name: string): string => this.directory.join("tls", name);
    const kafka = {
      brokers: this.brokers ?? this.testBed.addresses,
      tls: { ca: tls("ca.pem"), ca_only: "on", cert: tls("cert.pem"), key: tls("key.pem") },
      sasl: { mechanism: "plain", username: user, password_file: tls("password") },
    };
    const all = {
      dfn: { customer_id: this.topic },
      wazuh: { home: this.directory.join("ossec") },
      sources: { socket: { path: this.socketPath }, tail: { start: "beginning" } },
      sink: { kafka },
      state_dir: this.stateDir,
      status: { listen: this.statusPath },
      manifest: { topic: this.manifestTopic, interval: "2s", key_file: tls("manifest.pem") },
      ...this.settings,
    };
    writeFileSync(path, text ?? JSON.stringify(all, undefined, 1)); // JSON is YAML
    return path;
  }

  writePassword(password: string): void {
    const path = this.directory.join("tls/password");
    writeFileSync(path, `${password}\n`, { mode: 0o600 });
    this.testBed.give(path);
  }

  /** Writes one alert into the log. */
  write(isRelevant: boolean, kind: Kind = "plain"): SoakAlert {
    const alert = this.maker.make(isRelevant, kind);
    this.ledger.add(alert);
    this.analysisd.write(alert.line);
    return alert;
  }

  /** Bytes in the log that are in no ledger. */
  writeBytes(bytes: Buffer | string): void {
    this.analysisd.write(Buffer.from(bytes));
  }

  startCaller(): void {
    const { alertsJson } = this.analysisd;
    const { customDfn } = this.testBed;
    this.#caller = new Caller(alertsJson, `unix:${this.socketPath}`, calledShare, this.calls, (call) =>
      call % bundledEvery === 0 ? bundledCustomDfn : customDfn,
    );
  }

  async stopCaller(): Promise<void> {
    await this.#caller?.[Symbol.asyncDispose]();
    this.#caller = undefined;
  }

  /** A whole number, from `least` to `most`, determined by the seed. */
  between(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1));
  }

  /** One of several, determined by the seed. */
  oneOf<T>(choices: readonly T[]): T {
    return present(choices[this.between(0, choices.length - 1)]);
  }

  /** The forwarder's own status; empty if it does not answer. */
  async statusOf(): Promise<string> {
    return (await fetchText(this.statusPath, "/status")) ?? "";
  }

  /** Nothing but the load for a while. */
  async pass(ms: number): Promise<void> {
    await delay(ms);
  }

  /** Resolves when everything relevant that was written so far has been seen in the topic, or is rightly dead. */
  async settled(withinMs = settleWithinMs): Promise<void> {
    const rate = this.load.perSecond;
    this.load.perSecond = 0;
    this.analysisd.flush();
    try {
      const done = (): boolean => {
        if (this.ledger.outstanding > 0 && this.ledger.outstanding <= fewDead) {
          readDeadLetters(this.stateDir, this.ledger);
        }
        return this.ledger.outstanding === 0;
      };
      await eventually("every alert in the topic", done, { withinMs });
    } catch (reason) {
      const { count: missing, examples } = this.referee.missing();
      throw new Error(`${missing} alerts did not come: ${examples.slice(0, 3).join("; ")}`, { cause: reason });
    } finally {
      this.load.perSecond = rate;
    }
  }

  /**
   * Resolves when the forwarder has read the log to its end, and knows of every record, also of an earlier process or ahead of
   * the log, what manifests have to say of it. Until then a stop leaves that to the next process. Nothing is
   * written meanwhile. It takes a minute where the socket has brought alerts whose lines are lost.
   */
  async decided(): Promise<void> {
    const isDecided = async (): Promise<boolean> => {
      const text = await this.statusOf();
      if (text === "") return false;
      const { log, queue, manifests } = decidedForm.parse(JSON.parse(text));
      return log.state !== "catching-up" && manifests.undecided === 0 && queue.bytes === 0;
    };
    await eventually("the end of the log, with nothing undecided", isDecided, { withinMs: missingAfterMs });
  }

  /**
   * Writes one alert now and resolves when Kafka has it.
   * @returns milliseconds until the broker took it, as far as other programs did not take the processors
   * @throws TooSlow when that was more than `withinMs`
   */
  async arrival(withinMs: number): Promise<number> {
    const wroteMs = Date.now();
    const others = new OtherPrograms();
    let appendedMs: number | undefined;
    const { sequence } = this.write(true);
    this.referee.whenSeen(sequence, (at) => (appendedMs = at));
    this.analysisd.flush();
    const what = "an alert written after the fault";
    const at = await eventually(what, () => appendedMs, { withinMs: missingAfterMs });
    return inTime(what, others.without(at - wroteMs), withinMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.load[Symbol.dispose]();
    await this.stopCaller();
    await this.forwarder[Symbol.asyncDispose]();
    this.analysisd[Symbol.dispose]();
    this.#queue[Symbol.dispose]();
    // Brokers with many topics take longer to start.
    await this.testBed.kafka.deleteTopic(this.topic);
    await this.testBed.kafka.deleteTopic(this.manifestTopic);
    if (this.testBed.isRoot) unmount(this.stateDir);
    await this.directory[Symbol.asyncDispose]();
  }
}
