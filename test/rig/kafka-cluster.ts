import { mkdirSync, writeFileSync } from "node:fs";
import { Java } from "../../scripts/kafka/java.ts";
import { Broker } from "./broker.ts";
import {
  brokerProperties,
  controllerListener,
  loopback,
  plainListener,
  saslMechanisms,
  type ClusterOptions,
  type Node,
} from "./broker-properties.ts";
import { freePorts } from "./free-ports.ts";
import { Kafka } from "./kafka.ts";
import { present } from "./present.ts";
import { TempDir } from "./temp-dir.ts";

/** Any 16 bytes do; one for all brokers of a cluster. */
const clusterId = "ZGZuLXRlc3QtY2x1c3Rlcg";

/** An Apache Kafka of the test's own, on loopback, with data in a temporary directory. Brokers count from 1. */
export class KafkaCluster extends Kafka {
  readonly #directory: TempDir;
  readonly #nodes: readonly Node[];
  readonly #brokers: readonly Broker[];
  readonly #host: string;

  private constructor(directory: TempDir, nodes: readonly Node[], brokers: readonly Broker[], host = loopback) {
    super(addressesOf(nodes, plainListener, host));
    this.#host = host;
    this.#directory = directory;
    this.#nodes = nodes;
    this.#brokers = brokers;
  }

  /** Formats and starts the brokers; resolves when all of them answer (about 4 s for one, 12 s for three). */
  static async start(options: ClusterOptions = {}): Promise<KafkaCluster> {
    const java = Java.provide();
    const directory = await TempDir.create();
    const count = options.brokers ?? 1;
    const names = [plainListener, controllerListener, ...Object.keys(options.listeners ?? {})];
    const ports = await freePorts(count * names.length);
    const nodes = Array.from({ length: count }, (_, index): Node => {
      const own = Object.fromEntries(names.map((name, at) => [name, present(ports[index * names.length + at])]));
      return { id: index + 1, directory: directory.join(`broker-${index + 1}`), ports: own };
    });
    for (const node of nodes) {
      mkdirSync(node.directory);
      const properties = `${node.directory}/server.properties`;
      writeFileSync(properties, brokerProperties(node, nodes, options));
      java.run("java", ["-Xmx64m", "-XX:TieredStopAtLevel=1", "-cp", `${java.lib}/*`, ...format(properties, options)]);
    }
    const brokers = nodes.map((node) => new Broker(java, node.directory));
    const cluster = new KafkaCluster(directory, nodes, brokers, options.host);
    try {
      for (const broker of brokers) broker.start();
      await cluster.ready(count);
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

  /** Starts a broker that was stopped and resolves when all that run are members again. */
  async startBroker(id: number): Promise<void> {
    this.#broker(id).start();
    await this.ready(this.#brokers.filter((broker) => broker.isRunning).length);
  }

  async stopBroker(id: number, signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    await this.#broker(id).stop(signal);
  }

  /** All brokers at once: one after the other, the last ones hang without a quorum. */
  async stopAll(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    await Promise.all(this.#brokers.map((broker) => broker.stop(signal)));
  }

  async startAll(): Promise<void> {
    for (const broker of this.#brokers) broker.start();
    await this.ready(this.#brokers.length);
  }

  /** The broker keeps its connections and answers nothing. */
  pause(id: number): void {
    this.#broker(id).signal("SIGSTOP");
  }

  resume(id: number): void {
    this.#broker(id).signal("SIGCONT");
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.stopAll("SIGKILL");
    await this.#directory[Symbol.asyncDispose]();
  }

  #broker(id: number): Broker {
    const broker = this.#brokers[id - 1];
    if (broker === undefined) throw new Error(`no broker ${id} in this cluster`);
    return broker;
  }
}

function addressesOf(nodes: readonly Node[], listener: string, host: string): string[] {
  return nodes.map(({ ports }) => `${host}:${ports[listener]}`);
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
