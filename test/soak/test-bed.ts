import type { AclEntry } from "kafkajs";
import kafkajs from "kafkajs";
import { chmodSync, copyFileSync, cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { Java } from "../../scripts/kafka/java.ts";
import { repositoryRoot } from "../../scripts/repository.ts";
import { brokerHost, makeCertificates, type Certificates } from "../rig/certificates.ts";
import { InstalledCustomDfn } from "../rig/custom-dfn.ts";
import { freePorts } from "../rig/free-ports.ts";
import { compiledProgram } from "../rig/java-program.ts";
import { KafkaCluster } from "../rig/kafka-cluster.ts";
import { present } from "../rig/present.ts";
import { StepClock } from "../rig/step-clock.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { Firewall } from "./firewall.ts";
import { Follower } from "./follower.ts";
import { Relay } from "./relay.ts";

const resolvConf = "/etc/resolv.conf";

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

/** Routes to the brokers; all with TLS, client certificates and SASL, each except the first with a fault. */
export type Way = "GOOD" | "EXPIRED" | "OTHERCA" | "OTHERPASSWORD";

export const user = "alice";
export const passwords = { GOOD: "the first secret", OTHERPASSWORD: "the second secret" } as const;
export const brokerCount = 3;
/** User and group of the forwarder if this process is root. */
export const unprivileged = 65_534;
/** Records when a shell hands over to the program that follows; see `forwarderCommand`. */
export const begins =
  'read -r _ waited _ < /proc/$$/schedstat; echo "begins ${EPOCHREALTIME//[.,]/} $waited" >&2; exec';

/**
 * What all faults share: three brokers (replication 3, min.insync.replicas 2), a relay before each, certificates, the
 * Java consumer, and what this machine lets a test do.
 */
export class TestBed implements AsyncDisposable {
  readonly directory: TempDir;
  readonly certificates: Certificates;
  readonly kafka: KafkaCluster;
  readonly relays: readonly Relay[];
  readonly follower: Follower;
  /** Undefined if this process may set no rules. */
  readonly firewall: Firewall | undefined;
  /** The forwarder's wall clock; undefined if it cannot be moved. */
  readonly clock: StepClock | undefined;
  /** As it is installed where there is nothing in its way. */
  readonly customDfn = new InstalledCustomDfn("own");
  /** Root with mount namespaces: names can be redirected, and the forwarder runs unprivileged. */
  readonly isRoot: boolean;
  /** The host name by which the forwarder knows the brokers. */
  readonly host: string;
  readonly #hosts: string;
  readonly #resolvConf: string;

  private constructor(parts: Pick<TestBed, "directory" | "certificates" | "kafka" | "relays" | "isRoot" | "host">) {
    ({
      directory: this.directory,
      certificates: this.certificates,
      kafka: this.kafka,
      relays: this.relays,
      isRoot: this.isRoot,
      host: this.host,
    } = parts);
    this.follower = new Follower(this.kafka.addresses);
    this.firewall = Firewall.isAvailable() ? new Firewall(this.relays.map(({ port }) => port)) : undefined;
    this.clock = StepClock.create(this.directory.path);
    this.#hosts = this.directory.join("hosts");
    this.leadTo("127.0.0.1");
    this.#resolvConf = this.directory.join("resolv.conf");
    this.askNames(undefined);
    // A build during the run must not change what is judged.
    cpSync(join(repositoryRoot, "dist"), this.directory.join("dist"), { recursive: true });
    chmodSync(this.directory.path, 0o755);
  }

  static async create(): Promise<TestBed> {
    const directory = await TempDir.create();
    const isRoot = mayMount();
    const host = isRoot ? brokerHost : "localhost";
    const relays = (await freePorts(brokerCount)).map((port) => new Relay(port));
    let kafka: KafkaCluster | undefined;
    try {
      // From now on no broker is given one of their ports.
      for (const relay of relays) await relay.listen("127.0.0.1");
      const certificates = await makeCertificates(directory.path);
      const advertised = relays.map(({ port }) => `${host}:${port}`);
      kafka = await startBrokers(certificates, advertised);
      // Otherwise the compiler would delay the relays later.
      compiledProgram(Java.provide(), "Configure");
      await kafka.allow([permission({ topic: "soak", isPrefix: true })]);
      const testBed = new TestBed({ directory, certificates, kafka, relays, isRoot, host });
      testBed.use("GOOD");
      return testBed;
    } catch (reason) {
      // What runs would keep the process from ending.
      for (const relay of relays) await relay.close();
      await kafka?.[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
      throw reason;
    }
  }

  get addresses(): string[] {
    return this.relays.map(({ port }) => `${this.host}:${port}`);
  }

  get bundle(): string {
    return this.directory.join("dist/wazuh-dfn-start.cjs");
  }

  /** New connections come in by another route; open ones are cut. */
  use(way: Way): void {
    const targets = this.kafka.addressesOf(way).map((address) => Number(address.split(":")[1]));
    for (const [index, relay] of this.relays.entries()) {
      relay.target = present(targets[index]);
      relay.cut();
    }
  }

  /** The address that the brokers' name resolves to; undefined: none. */
  leadTo(address: string | undefined): void {
    const line = address === undefined ? "" : `${address} ${this.host}\n`;
    writeFileSync(this.#hosts, `127.0.0.1 localhost\n${line}`);
  }

  /** Whether the forwarder can be given other name servers. */
  get asksNames(): boolean {
    return this.isRoot && existsSync(resolvConf);
  }

  /** The name servers that are asked for names that `leadTo` does not redirect; undefined: the machine's. */
  askNames(servers: readonly string[] | undefined): void {
    const usual = existsSync(resolvConf) ? readFileSync(resolvConf) : "";
    writeFileSync(this.#resolvConf, servers?.map((server) => `nameserver ${server}\n`).join("") ?? usual);
  }

  /**
   * The program and arguments that run something as the forwarder's user, with the brokers' names as they are here.
   * Standard error begins with a line `begins AT WAITED`: microseconds since 1970 at which the program itself begins,
   * and the nanoseconds for which the process had waited for a processor until then.
   */
  forwarderCommand(args: readonly string[]): [string, string[]] {
    const clock = Object.entries(this.clock?.environment ?? {}).map(([name, value]) => `export ${name}='${value}' && `);
    const begin = `${clock.join("")}${begins}`;
    if (!this.isRoot) return ["bash", ["-c", `${begin} "$0" "$@"`, process.execPath, ...args]];
    const names = this.asksNames ? `mount --bind '${this.#resolvConf}' ${resolvConf} && ` : "";
    const script = `mount --bind "$0" /etc/hosts && ${names}${begin} setpriv --reuid "$1" --regid "$1" --clear-groups -- "\${@:2}"`;
    const id = String(unprivileged);
    return ["unshare", ["-m", "bash", "-c", script, this.#hosts, id, process.execPath, ...args]];
  }

  /** Gives a path to the forwarder's user; if this process is not root, it is that user's already. */
  give(path: string): void {
    if (this.isRoot) spawnSync("chown", ["-R", `${unprivileged}:${unprivileged}`, path]);
  }

  /** Takes a path away from the forwarder's user. */
  takeBack(path: string): void {
    spawnSync("chown", ["0:0", path]);
  }

  /** Copies of the forwarder's own TLS files, which a fault may replace. */
  writeClientFiles(directory: string, of: "ca" | "other-ca"): void {
    const { ca, otherCa, client, otherCaClient } = this.certificates;
    const [issuer, own] = of === "ca" ? [ca, client] : [otherCa, otherCaClient];
    for (const [from, name] of [
      [issuer, "ca.pem"],
      [own.cert, "cert.pem"],
      [own.key, "key.pem"],
    ] as const) {
      copyFileSync(from, join(directory, name));
      this.give(join(directory, name));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.firewall?.[Symbol.dispose]();
    this.clock?.[Symbol.dispose]();
    this.follower[Symbol.dispose]();
    this.customDfn[Symbol.dispose]();
    for (const relay of this.relays) await relay.close();
    await this.kafka[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}

function startBrokers(certificates: Certificates, advertised: readonly string[]): Promise<KafkaCluster> {
  const { server, expiredServer, otherCaServer, ca, otherCa } = certificates;
  const common = { sasl: true, advertised, clientCa: ca, users: { [user]: passwords.GOOD } };
  return KafkaCluster.start({
    brokers: brokerCount,
    authorizer: true,
    listeners: {
      GOOD: { ...common, keyStore: server.store },
      EXPIRED: { ...common, keyStore: expiredServer.store },
      OTHERCA: { ...common, keyStore: otherCaServer.store, clientCa: otherCa },
      OTHERPASSWORD: { ...common, keyStore: server.store, users: { [user]: passwords.OTHERPASSWORD } },
    },
    properties: {
      "leader.imbalance.check.interval.seconds": 2,
      "leader.imbalance.per.broker.percentage": 0,
      "log.segment.delete.delay.ms": 1000,
      // How soon a producer that was silent for too long is forgotten.
      "producer.id.expiration.check.interval.ms": 500,
    },
  });
}

/** What the forwarder's user may do with topics; or may not, whatever else is allowed. */
export function permission(of: { topic: string; isPrefix?: boolean; denied?: "read" | "write" }): AclEntry {
  const operations = { read: AclOperationTypes.READ, write: AclOperationTypes.WRITE };
  return {
    resourceType: AclResourceTypes.TOPIC,
    resourceName: of.topic,
    resourcePatternType: of.isPrefix === true ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
    principal: `User:${user}`,
    host: "*",
    operation: of.denied === undefined ? AclOperationTypes.ALL : operations[of.denied],
    permissionType: of.denied === undefined ? AclPermissionTypes.ALLOW : AclPermissionTypes.DENY,
  };
}

function mayMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  const tries = ["unshare -m true", "setpriv --reuid 65534 --regid 65534 --clear-groups -- true"];
  return tries.every((line) => spawnSync("bash", ["-c", line]).status === 0);
}
