import { once } from "node:events";
import { createWriteStream, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Java, JavaProcess } from "../../scripts/kafka/java.ts";
import { loopback, saslMechanisms, type ClusterOptions } from "./broker-properties.ts";
import { freePorts } from "./free-ports.ts";
import { present } from "./present.ts";

const small = ["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
const quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error";
/** Sessions of 3 s, which the brokers ask for, are granted with ticks of 150 ms to 1.5 s. */
const tickMs = 500;

/** Where brokers before KRaft find each other; with the SCRAM users in it. */
export class Zookeeper implements AsyncDisposable {
  readonly address: string;
  readonly #process: JavaProcess;

  private constructor(address: string, process: JavaProcess) {
    this.address = address;
    this.#process = process;
  }

  /** Resolves when the users are in it. @param directory is created */
  static async start(
    java: Java,
    directory: string,
    { host = loopback, users = {} }: ClusterOptions,
  ): Promise<Zookeeper> {
    const port = present((await freePorts(1))[0]);
    mkdirSync(directory);
    const settings = {
      dataDir: join(directory, "data"),
      clientPort: port,
      clientPortAddress: host,
      tickTime: tickMs,
      "admin.enableServer": false,
    };
    const file = join(directory, "zookeeper.properties");
    const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
    writeFileSync(file, lines.join(""));
    const program = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
    const process = java.spawn([...small, quiet, program, file]);
    const output = createWriteStream(join(directory, "output"));
    process.child.stdout.pipe(output, { end: false });
    process.child.stderr.pipe(output, { end: false });
    process.child.once("close", () => output.end());
    const zookeeper = new Zookeeper(`${host}:${port}`, process);
    try {
      for (const [name, password] of Object.entries(users))
        java.run("java", addUser(java, zookeeper.address, name, password));
    } catch (reason) {
      await zookeeper[Symbol.asyncDispose]();
      throw reason;
    }
    return zookeeper;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { child } = this.#process;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    this.#process.signal("SIGKILL");
    await gone;
  }
}

/** Waits for ZooKeeper by itself, up to 30 s. */
function addUser(java: Java, address: string, name: string, password: string): string[] {
  const secrets = saslMechanisms
    .filter((mechanism) => mechanism !== "PLAIN")
    .map((of) => `${of}=[password=${password}]`);
  const change = ["--alter", "--add-config", secrets.join(","), "--entity-type", "users", "--entity-name", name];
  const command = ["kafka.admin.ConfigCommand", "--zookeeper", address, ...change];
  return [...small, quiet, "-cp", `${java.lib}/*`, ...command];
}
