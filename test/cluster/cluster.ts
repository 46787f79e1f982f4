import { chmodSync, cpSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../scripts/repository.ts";
import { InstalledCustomDfn } from "../rig/custom-dfn.ts";
import { KafkaCluster } from "../rig/kafka-cluster.ts";
import { present } from "../rig/present.ts";
import { readTopic } from "../rig/read-topic.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { type FollowedRecord, Follower } from "../soak/follower.ts";
import { ManifestReferee, type ManifestVerdict } from "../soak/manifest-referee.ts";
import { Agents } from "./agents.ts";
import { Network } from "./network.ts";
import { ClusterNode, type NodeSetup, type Shared } from "./node.ts";

/** Names of one length, so that nodes differ in nothing else. */
const atFirst: readonly NodeSetup[] = [
  { name: "master-0", type: "master", isHidden: false },
  { name: "worker-1", type: "worker", isHidden: false },
  { name: "worker-2", type: "worker", isHidden: true },
];
const agentCount = 90;
const newcomers = 20;
const topic = "cluster";
const manifestTopic = "cluster-manifests";
const partitions = 6;

/** How a run is made. */
export interface ClusterOptions {
  readonly seed: number;
  /** Alerts a second that each node writes. */
  readonly rate: number;
  /** Where the forwarders' logs are kept, one file for each node. */
  readonly logs?: string;
}

/** Managers of one Wazuh cluster on hosts of their own, and the three brokers of the SOC; one topic for all. */
export class Cluster implements AsyncDisposable {
  readonly nodes: ClusterNode[] = [];
  readonly agents: Agents;
  readonly network: Network;
  readonly kafka: KafkaCluster;
  /** Records of nodes that do not exist. */
  readonly strange: string[] = [];
  readonly #follower: Follower;
  readonly #directory: TempDir;
  readonly #customDfn = new InstalledCustomDfn("own");
  readonly #options: ClusterOptions;
  readonly #shared: Shared;
  readonly manifestReferee = new ManifestReferee(topic);
  readonly #referees = new Map<string, (record: FollowedRecord) => void>();

  private constructor(network: Network, kafka: KafkaCluster, directory: TempDir, options: ClusterOptions) {
    this.network = network;
    this.kafka = kafka;
    this.#directory = directory;
    this.#options = options;
    this.agents = new Agents(
      options.seed,
      agentCount,
      atFirst.map(({ name }) => name),
    );
    this.#shared = {
      seed: options.seed,
      topic,
      manifestTopic,
      brokers: kafka.addresses,
      customDfn: this.#customDfn,
      pick: (node) => this.agents.pick(node),
    };
    this.#follower = new Follower(kafka.addresses);
  }

  static async create(options: ClusterOptions): Promise<Cluster> {
    const network = new Network();
    const made: AsyncDisposable[] = [];
    try {
      const kafka = await KafkaCluster.start({ brokers: 3, host: network.address });
      made.push(kafka);
      await kafka.createTopic(manifestTopic, { partitions });
      await kafka.createTopic(topic, { partitions, config: { "message.timestamp.type": "LogAppendTime" } });
      const directory = await TempDir.create();
      made.push(directory);
      chmodSync(directory.path, 0o755);
      // A build during the run must not change what is judged.
      cpSync(join(repositoryRoot, "dist"), directory.path, { recursive: true });
      const cluster = new Cluster(network, kafka, directory, options);
      made.splice(0, made.length, cluster);
      cluster.#follower.follow(topic, (record) => cluster.#see(record));
      for (const setup of atFirst) await cluster.#start(setup);
      return cluster;
    } catch (reason) {
      // What runs would keep the process from ending. A cluster disposes of its network itself, which is safe to do
      // twice.
      for (const one of made) await one[Symbol.asyncDispose]();
      network[Symbol.dispose]();
      throw reason;
    }
  }

  readonly node = (name: string): ClusterNode => present(this.nodes.find((node) => node.name === name));

  /** One more node, and agents that move to it. */
  async add(setup: NodeSetup): Promise<ClusterNode> {
    this.agents.join(setup.name, newcomers);
    return this.#start(setup);
  }

  /** Alerts written so far, by all nodes. */
  get written(): number {
    return this.nodes.reduce((sum, { ledger }) => sum + ledger.written, 0);
  }

  /** Relevant alerts of which another node has one of the same id, time and kind. */
  get twins(): number {
    let count = 0;
    for (const { ledger } of this.nodes) {
      for (let at = 0; at < ledger.end; at++) {
        const isTwin = (other: ClusterNode): boolean =>
          other.ledger !== ledger && other.ledger.isRelevant(at) && other.ledger.idOf(at) === ledger.idOf(at);
        if (ledger.isRelevant(at) && this.nodes.some(isTwin)) count++;
      }
    }
    return count;
  }

  /** What the manifests of all nodes say, compared with the topic: no record may be there twice. */
  async manifests(): Promise<ManifestVerdict> {
    const records = await readTopic(this.kafka.addresses, manifestTopic);
    const values = records.map(({ value }) => value ?? Buffer.alloc(0));
    return this.manifestReferee.judge(values, undefined, () => false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) await node[Symbol.asyncDispose]();
    this.#follower[Symbol.dispose]();
    this.#customDfn[Symbol.dispose]();
    await this.kafka[Symbol.asyncDispose]();
    this.network[Symbol.dispose]();
    await this.#directory[Symbol.asyncDispose]();
  }

  async #start(setup: NodeSetup): Promise<ClusterNode> {
    const { logs, rate } = this.#options;
    const host = this.network.addHost(this.#directory.join("wazuh-dfn-start.cjs"));
    const logFile = logs === undefined ? undefined : join(logs, `${setup.name}.log`);
    const node = await ClusterNode.create(setup, host, this.#shared, logFile);
    this.nodes.push(node);
    this.#referees.set(setup.name, node.referee.see);
    await node.start(rate);
    return node;
  }

  /** The header alone says whose record it is: everything else may be the same on several nodes. */
  #see(record: FollowedRecord): void {
    this.manifestReferee.see(record);
    const name = record.headers["wazuh-node"] ?? "none";
    const see = this.#referees.get(name);
    if (see === undefined) this.strange.push(`${name}: ${record.partition}/${record.offset}`);
    else see(record);
  }
}
