import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { eventually } from "../rig/eventually.ts";
import { OtherPrograms } from "../rig/other-programs.ts";
import { seededRandom } from "../rig/random.ts";
import { TempDir } from "../rig/temp-dir.ts";
import type { CustomDfn } from "../rig/custom-dfn.ts";
import { Analysisd } from "../rig/wazuh/analysisd.ts";
import { QueueSocket } from "../rig/wazuh/queue-socket.ts";
import { SoakAlertMaker, type Kind, type SoakAlert } from "../soak/alerts.ts";
import { Caller, type CallCounts } from "../soak/caller.ts";
import { readDeadLetters } from "../soak/dead-letters.ts";
import { missingAfterMs } from "../soak/fault.ts";
import { Forwarder } from "../soak/forwarder.ts";
import { unprivileged } from "../soak/test-bed.ts";
import type { Judged } from "../soak/judge.ts";
import { SoakLedger } from "../soak/ledger.ts";
import { Load } from "../soak/load.ts";
import { fetchText } from "../soak/looks.ts";
import { Referee } from "../soak/referee.ts";
import type { Host } from "./network.ts";

/** How a node is set up. */
export interface NodeSetup {
  readonly name: string;
  readonly type: "master" | "worker";
  /** Its alerts do not name it; only its ossec.conf does. */
  readonly isHidden: boolean;
}

/** What all nodes of a cluster share. */
export interface Shared {
  readonly seed: number;
  readonly topic: string;
  /** Where all nodes publish their manifests. */
  readonly manifestTopic: string;
  readonly brokers: readonly string[];
  readonly customDfn: CustomDfn;
  /** Picks the agent that a node's next alert comes from. */
  pick(node: string): string;
}

const relevantShare = 0.3;
const calledShare = 40;
/** Alerts that are searched for among the dead letters must be fewer. */
const fewDead = 50;

/**
 * One node: its manager's tree with an ossec.conf, its writer and caller, and the built forwarder on its host. All nodes
 * write alerts of the same ids, times and contents, as far as they can.
 */
export class ClusterNode implements AsyncDisposable, Judged {
  readonly setup: NodeSetup;
  readonly host: Host;
  readonly ledger = new SoakLedger();
  readonly referee = new Referee(this.ledger);
  readonly maker: SoakAlertMaker;
  readonly analysisd: Analysisd<SoakAlert>;
  readonly load: Load;
  readonly forwarder: Forwarder;
  readonly calls: CallCounts = { calls: 0, failed: 0, slowestMs: 0 };
  /** Bytes that must be in the dead-letter store although they are not an alert. */
  readonly fragments: Buffer[] = [];
  readonly random: () => number;
  readonly stateDir: string;
  readonly #directory: TempDir;
  readonly #shared: Shared;
  readonly #socketPath: string;
  readonly #queue: QueueSocket;
  #caller: Caller | undefined;
  #perSecond = 0;

  private constructor(setup: NodeSetup, host: Host, shared: Shared, directory: TempDir, logFile: string | undefined) {
    this.setup = setup;
    this.host = host;
    this.#shared = shared;
    this.#directory = directory;
    // The same for all: the k-th alerts of two nodes differ in node and agent alone.
    this.random = seededRandom(shared.seed);
    const site = { node: setup.isHidden ? undefined : setup.name, agent: () => shared.pick(setup.name) };
    this.maker = new SoakAlertMaker(shared.seed, relevantShare, site);
    this.stateDir = directory.join("state");
    this.#socketPath = directory.join("run/alerts.sock");
    for (const path of ["ossec/logs/alerts", "ossec/queue/sockets", "ossec/etc", "run", "state"]) {
      mkdirSync(directory.join(path), { recursive: true });
    }
    writeFileSync(directory.join("ossec/etc/ossec.conf"), ossecConf(setup));
    this.#queue = new QueueSocket(directory.join("ossec/queue/sockets/queue"));
    chmodSync(directory.path, 0o755);
    if (host.wire !== undefined) spawnSync("chown", ["-R", `${unprivileged}:${unprivileged}`, directory.path]);
    // Files that the manager makes there get the forwarder's group.
    chmodSync(directory.join("ossec/logs/alerts"), 0o2750);
    this.analysisd = new Analysisd(directory.join("ossec"), this.maker, this.ledger);
    this.load = new Load(this);
    const args = (): string[] => ["run", "--config", this.#configure()];
    this.forwarder = new Forwarder(host, directory.join("run/status.sock"), args, logFile);
  }

  static async create(setup: NodeSetup, host: Host, shared: Shared, logFile?: string): Promise<ClusterNode> {
    return new ClusterNode(setup, host, shared, await TempDir.create(), logFile);
  }

  get name(): string {
    return this.setup.name;
  }

  /** Starts everything. @param perSecond alerts that the node writes from now on */
  async start(perSecond: number): Promise<void> {
    await this.forwarder.start();
    this.#call();
    this.#perSecond = perSecond;
    this.load.perSecond = perSecond;
  }

  write(isRelevant: boolean, kind: Kind = "plain"): SoakAlert {
    const alert = this.maker.make(isRelevant, kind);
    this.ledger.add(alert);
    this.analysisd.write(alert.line);
    return alert;
  }

  /** A whole number, from `least` to `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1));
  }

  /** The node is switched off: forwarder and caller are gone, analysisd in the middle of a line. */
  async kill(): Promise<void> {
    this.load.perSecond = 0;
    await this.forwarder.kill();
    await this.#caller?.[Symbol.asyncDispose]();
    const { line } = this.maker.make(true, "odd");
    const torn = line.subarray(0, Math.floor(line.length * 0.95));
    this.fragments.push(torn);
    await this.analysisd.restart({ torn });
  }

  /** Switched on again: analysisd continues in the same line. */
  async revive(): Promise<void> {
    this.load.perSecond = this.#perSecond;
    this.#call();
    await this.forwarder.start();
  }

  /**
   * Writes an alert now.
   * @returns milliseconds until a broker took it, as far as other programs did not take the processors
   */
  async arrival(): Promise<number> {
    const wroteMs = Date.now();
    const others = new OtherPrograms();
    let appendedMs: number | undefined;
    const { sequence } = this.write(true);
    this.referee.whenSeen(sequence, (at) => (appendedMs = at));
    this.analysisd.flush();
    const at = await eventually(`an alert of ${this.name}`, () => appendedMs, { withinMs: missingAfterMs });
    return others.without(at - wroteMs);
  }

  /** What its status says is wrong, and what its look-ups wait for; for a person who looks for a cause. */
  async complaint(): Promise<string> {
    const text = await fetchText(this.#directory.join("run/status.sock"), "/status");
    if (text === undefined) return "its status does not answer";
    const { health, sink } = JSON.parse(text);
    return JSON.stringify({ health: health.reasons, troubles: sink.troubles, lookups: sink.lookups });
  }

  /** Connections over the network that the forwarder has. */
  get connections(): number {
    const established = /^ *\d+: \S+ \S+ 01 /;
    const lines = readFileSync(`/proc/${this.forwarder.program.pid}/net/tcp`, "utf8").split("\n");
    return lines.filter((line) => established.test(line)).length;
  }

  /** Writes nothing more and resolves when all that was written is in the topic or rightly dead. */
  async settled(withinMs: number): Promise<void> {
    this.load.perSecond = 0;
    this.analysisd.flush();
    const isDone = (): boolean => {
      const { outstanding } = this.ledger;
      if (outstanding > 0 && outstanding <= fewDead) readDeadLetters(this.stateDir, this.ledger);
      return this.ledger.outstanding === 0;
    };
    await eventually(`every alert of ${this.name} in the topic`, isDone, { withinMs });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.load[Symbol.dispose]();
    await this.#caller?.[Symbol.asyncDispose]();
    await this.forwarder[Symbol.asyncDispose]();
    this.analysisd[Symbol.dispose]();
    this.#queue[Symbol.dispose]();
    await this.#directory[Symbol.asyncDispose]();
  }

  #call(): void {
    const { alertsJson } = this.analysisd;
    const { customDfn } = this.#shared;
    this.#caller = new Caller(alertsJson, `unix:${this.#socketPath}`, calledShare, this.calls, () => customDfn);
  }

  #configure(): string {
    const path = this.#directory.join("config.yaml");
    const settings = {
      dfn: { customer_id: this.#shared.topic },
      wazuh: { home: this.#directory.join("ossec") },
      sources: { socket: { path: this.#socketPath }, tail: { start: "beginning" } },
      sink: { kafka: { brokers: this.#shared.brokers } },
      state_dir: this.stateDir,
      status: { listen: this.#directory.join("run/status.sock") },
      manifest: { topic: this.#shared.manifestTopic, interval: "2s" },
    };
    writeFileSync(path, JSON.stringify(settings, undefined, 1)); // JSON is YAML
    return path;
  }
}

function ossecConf({ name, type, isHidden }: NodeSetup): string {
  return `<ossec_config>
  <cluster>
    <name>wazuh</name>
    <node_name>${name}</node_name>
    <node_type>${type}</node_type>
    <hidden>${isHidden ? "yes" : "no"}</hidden>
    <disabled>no</disabled>
  </cluster>
</ossec_config>
`;
}
