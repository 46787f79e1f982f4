import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Java, moveOrDrop } from "../../scripts/kafka/java.ts";
import { needsZookeeper } from "../../scripts/kafka/versions.ts";
import { Broker } from "./broker.ts";
import {
  brokerProperties,
  controllerListener,
  dataOf,
  loopback,
  plainListener,
  saslMechanisms,
  type ClusterOptions,
  type Node,
  type SecureListener,
} from "./broker-properties.ts";
import { freePorts } from "./free-ports.ts";
import { classArchive, sharedClasses } from "./class-archive.ts";
import { compiledProgram } from "./java-program.ts";
import { Kafka } from "./kafka.ts";
import { asPkcs12 } from "./key-store.ts";
import { present } from "./present.ts";
import { TempDir } from "./temp-dir.ts";
import { Zookeeper } from "./zookeeper.ts";

/** Any 16 bytes do; one for all brokers of a cluster. */
const clusterId = "ZGZuLXRlc3QtY2x1c3Rlcg";
const againEveryMs = 500;
const small = ["-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/** An Apache Kafka of the test's own, on loopback, with data in a temporary directory. Brokers are numbered from 1. */
export class KafkaCluster extends Kafka {
  readonly #java: Java;
  readonly #directory: TempDir;
  readonly #nodes: readonly Node[];
  readonly #brokers: readonly Broker[];
  readonly #host: string;
  readonly #zookeeper: Zookeeper | undefined;

  private constructor(
    java: Java,
    directory: TempDir,
    nodes: readonly Node[],
    brokers: readonly Broker[],
    zookeeper: Zookeeper | undefined,
    host = loopback,
  ) {
    super(addressesOf(nodes, plainListener, host));
    this.#java = java;
    this.#host = host;
    this.#zookeeper = zookeeper;
    this.#directory = directory;
    this.#nodes = nodes;
    this.#brokers = brokers;
  }

  /** Formats and starts the brokers; resolves when all of them answer. */
  static start(options: ClusterOptions = {}): Promise<KafkaCluster> {
    const java = Java.provide();
    return KafkaCluster.#start(java, options, sharedClasses(java));
  }

  /** Makes the archive of classes if there is none: all brokers that are started later start faster. */
  static async archiveClasses(): Promise<void> {
    const java = Java.provide();
    const archive = classArchive(java);
    if (existsSync(archive)) return;
    const partial = `${archive}-${process.pid}`;
    await using cluster = await KafkaCluster.#start(java, {}, [`-XX:ArchiveClassesAtExit=${partial}`]);
    await cluster.stopAll();
    // A broker that did not end in time left none.
    if (existsSync(partial)) moveOrDrop(partial, archive);
  }

  static async #start(java: Java, given: ClusterOptions, flags: readonly string[]): Promise<KafkaCluster> {
    const directory = await TempDir.create();
    const options = needsZookeeper() ? withPasswords(given, directory.path) : given;
    const count = options.brokers ?? 1;
    const names = [plainListener, controllerListener, ...Object.keys(options.listeners ?? {})];
    const ports = await freePorts(count * names.length);
    const nodes = Array.from({ length: count }, (_, index): Node => {
      const own = Object.fromEntries(names.map((name, at) => [name, present(ports[index * names.length + at])]));
      return { id: index + 1, directory: directory.join(`broker-${index + 1}`), ports: own };
    });
    const zookeeper = needsZookeeper() ? await Zookeeper.start(java, directory.join("zookeeper"), options) : undefined;
    for (const node of nodes) {
      mkdirSync(node.directory);
      const properties = `${node.directory}/server.properties`;
      writeFileSync(properties, brokerProperties(node, nodes, options, zookeeper?.address));
    }
    if (zookeeper === undefined) formatAll(java, nodes, options);
    const brokers = nodes.map((node) => new Broker(java, node.directory, flags));
    const cluster = new KafkaCluster(java, directory, nodes, brokers, zookeeper, options.host);
    try {
      await cluster.startAll();
      return cluster;
    } catch (reason) {
      const output = brokers.map((broker) => broker.lastOutput()).join("\n");
      await cluster[Symbol.asyncDispose]();
      throw new Error(`Kafka did not start: ${output}`, { cause: reason });
    }
  }

  /** `host:port` of each broker for one of the secure listeners. */
  addressesOf(listener: string): string[] {
    return addressesOf(this.#nodes, listener, this.#host);
  }

  /** Starts a broker that was stopped and resolves when all running ones are members again. */
  async startBroker(id: number): Promise<void> {
    const wanted = this.#brokers.filter((broker, index) => index === id - 1 || broker.isRunning);
    await this.#startBrokers(wanted);
  }

  async stopBroker(id: number, signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    await this.#broker(id).stop(signal);
  }

  /** All brokers at once: one after the other, the last ones hang without a quorum. */
  async stopAll(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    await Promise.all(this.#brokers.map((broker) => broker.stop(signal)));
  }

  async startAll(): Promise<void> {
    await this.#startBrokers(this.#brokers);
  }

  /** The broker keeps its connections and answers nothing. */
  pause(id: number): void {
    this.#broker(id).signal("SIGSTOP");
  }

  resume(id: number): void {
    this.#broker(id).signal("SIGCONT");
  }

  /** Bytes per second that each broker lets a user write or read; undefined: the limit is removed. */
  async limit(user: string, kind: "producer" | "consumer", bytesPerSecond: number | undefined): Promise<void> {
    await this.#configure(["user", user], `${kind}_byte_rate`, bytesPerSecond);
  }

  /** How long brokers remember the producers that send nothing; undefined: their default. */
  async rememberProducers(ms: number | undefined): Promise<void> {
    await this.#configure(["brokers", ""], "producer.id.expiration.ms", ms);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.stopAll("SIGKILL");
    await this.#zookeeper?.[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }

  /**
   * A broker that comes back before ZooKeeper has given up its killed predecessor ends at once: it is started until it
   * stays.
   */
  async #startBrokers(wanted: readonly Broker[]): Promise<void> {
    for (const broker of wanted) broker.start();
    const keeper = setInterval(() => {
      if (this.#zookeeper !== undefined) for (const broker of wanted) broker.start();
    }, againEveryMs);
    await this.ready(wanted.length).finally(() => clearInterval(keeper));
  }

  async #configure(whom: readonly string[], name: string, value: number | undefined): Promise<void> {
    const change = [...whom, name, ...(value === undefined ? [] : [String(value)])];
    const classes = compiledProgram(this.#java, "Configure");
    const flags = [...small, ...sharedClasses(this.#java)];
    const { child } = this.#java.spawn([...flags, "Configure", this.addresses.join(","), ...change], { classes });
    const said = Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = await once(child, "close");
    if (code !== 0) throw new Error(`${change.join(" ")} failed: ${(await said).join("")}`);
  }

  #broker(id: number): Broker {
    const broker = this.#brokers[id - 1];
    if (broker === undefined) throw new Error(`this cluster has no broker ${id}`);
    return broker;
  }
}

function withPasswords(options: ClusterOptions, directory: string): ClusterOptions {
  const listeners = Object.entries(options.listeners ?? {}).map(([name, listener]): [string, SecureListener] => [
    name,
    { ...listener, keyStore: asPkcs12(listener.keyStore, directory) },
  ]);
  return { ...options, listeners: Object.fromEntries(listeners) };
}

function addressesOf(nodes: readonly Node[], listener: string, host: string): string[] {
  return nodes.map(({ ports }) => `${host}:${ports[listener]}`);
}

/**
 * The first one's directory by Kafka's own tool; those of the others differ from it in two lines of one file. What a broker
 * without users gets is kept next to the jars, for all later clusters.
 */
function formatAll(java: Java, nodes: readonly Node[], options: ClusterOptions): void {
  const kept = join(java.lib, "..", "formatted");
  const isUsual = Object.keys(options.users ?? {}).length === 0;
  const hasKept = isUsual && existsSync(kept);
  const [first, ...others] = nodes;
  if (first === undefined) return;
  if (!hasKept) {
    const properties = `${first.directory}/server.properties`;
    java.run("java", [...small, ...sharedClasses(java), "-cp", `${java.lib}/*`, ...format(properties, options)]);
    if (isUsual) {
      const partial = `${kept}-${process.pid}`;
      cpSync(dataOf(first), partial, { recursive: true });
      moveOrDrop(partial, kept);
    }
  }
  for (const node of hasKept ? nodes : others) {
    cpSync(hasKept ? kept : dataOf(first), dataOf(node), { recursive: true });
    const meta = `${dataOf(node)}/meta.properties`;
    const own = readFileSync(meta, "utf8")
      .replace(/^node\.id=.*$/m, `node.id=${node.id}`)
      .replace(/^directory\.id=.*$/m, `directory.id=${randomBytes(16).toString("base64url")}`);
    writeFileSync(meta, own);
  }
}

function format(properties: string, { users = {} }: ClusterOptions): string[] {
  const scram = saslMechanisms
    .filter((mechanism) => mechanism !== "PLAIN")
    .flatMap((mechanism) =>
      Object.entries(users).flatMap(([name, password]) => [
        "--add-scram",
        `${mechanism}=[name=${name},password=${password}]`,
      ]),
    );
  return ["kafka.tools.StorageTool", "format", "-t", clusterId, "-c", properties, ...scram];
}
