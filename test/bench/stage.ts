import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe } from "../../daemon/errors.ts";
import { ownArch } from "../../scripts/bundle/native-file.ts";
import { fetchNode } from "../../scripts/package/parts.ts";
import { repositoryRoot } from "../../scripts/repository.ts";
import { KafkaCluster } from "../rig/kafka-cluster.ts";
import { Program } from "../rig/program.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { type AlertSet, type SetOptions, writeAlertSet } from "./alert-set.ts";
import { type DebianPrograms, unpackDebianPrograms } from "./debian-programs.ts";

const programs = join(dirname(fileURLToPath(import.meta.url)), "programs");

/** How many alerts row k audits at scale 1. */
const usuallyAudited = 500_000;

/** Our own build, or the other one that is measured next to it. */
export type Build = "dist" | "other";

/** What the rows share: a directory, a Kafka, the built bundles, alerts, and ways to run programs. */
export class Stage implements AsyncDisposable {
  readonly directory: TempDir;
  /** Factor on the sizes of files. */
  readonly scale: number;
  /** How many alerts row k audits. */
  readonly auditedAlerts: number;
  /** Whether the forwarder of another build is measured next to ours. */
  readonly hasOtherBuild: boolean;
  #kafka: Promise<KafkaCluster> | undefined;
  #names = 0;
  readonly #sets = new Map<string, AlertSet>();
  readonly #debian = new Map<string, DebianPrograms | undefined>();
  #packagedNode: { readonly path: string | undefined } | undefined;

  private constructor(
    directory: TempDir,
    scale: number,
    otherBuild: string | undefined,
    auditedAlerts: number | undefined,
  ) {
    this.directory = directory;
    this.scale = scale;
    this.auditedAlerts = auditedAlerts ?? Math.ceil(usuallyAudited * scale);
    this.hasOtherBuild = otherBuild !== undefined;
    if (otherBuild !== undefined) cpSync(otherBuild, directory.join("other"), { recursive: true });
    // A build during the run must not change what is measured.
    cpSync(join(repositoryRoot, "dist"), directory.join("dist"), { recursive: true });
  }

  /**
   * @param otherBuild the `dist` directory of another build
   * @param auditedAlerts default: by the scale
   */
  static async create(scale: number, otherBuild?: string, auditedAlerts?: number): Promise<Stage> {
    return new Stage(await TempDir.create(), scale, otherBuild, auditedAlerts);
  }

  /** The builds that are measured where only the forwarder is: ours, and the other one if there is one. */
  get builds(): readonly Build[] {
    return this.hasOtherBuild ? ["dist", "other"] : ["dist"];
  }

  get customDfn(): string {
    return this.directory.join("dist/custom-dfn");
  }

  /** A Kafka of one broker, started when it is first asked for. */
  kafka(): Promise<KafkaCluster> {
    this.#kafka ??= KafkaCluster.start({ properties: { "log.segment.delete.delay.ms": 1000 } });
    return this.#kafka;
  }

  /** A path that is used for nothing else. */
  path(name: string): string {
    return this.directory.join(`${this.#names++}-${name}`);
  }

  /** A directory that is used for nothing else. */
  newDirectory(name: string): string {
    const path = this.path(name);
    mkdirSync(path);
    return path;
  }

  /** Alerts of a kind, written when they are first asked for. `lines` is what scale 1 has. */
  alerts(options: SetOptions): AlertSet {
    const key = JSON.stringify(options);
    const lines = Math.ceil(options.lines * this.scale);
    const set = this.#sets.get(key) ?? writeAlertSet(this.path("alerts.json"), { ...options, lines });
    this.#sets.set(key, set);
    return set;
  }

  /** Programs of Debian's packages; undefined where there are none. */
  debianPrograms(packages: readonly string[]): DebianPrograms | undefined {
    const key = packages.join(" ");
    if (!this.#debian.has(key)) this.#debian.set(key, unpackDebianPrograms(packages, this.newDirectory("debian")));
    return this.#debian.get(key);
  }

  /** The Node that the package brings; undefined where it cannot be had, and standard error says why. */
  packagedNode(): string | undefined {
    this.#packagedNode ??= { path: fetched(this.newDirectory("node")) };
    return this.#packagedNode.path;
  }

  /** A topic of one partition that is used for nothing else. */
  async newTopic(config: Readonly<Record<string, string>> = {}): Promise<string> {
    const topic = `bench-${this.#names++}`;
    await (await this.kafka()).createTopic(topic, { partitions: 1, config });
    return topic;
  }

  /** Writes settings as a configuration file; state and socket are new ones. */
  configure(settings: Readonly<Record<string, unknown>>): string {
    const home = this.newDirectory("home");
    const path = join(home, "config.yaml");
    const all = {
      dfn: { customer_id: "bench" },
      wazuh: { home },
      state_dir: home,
      status: { listen: join(home, "status.sock") },
      ...settings,
    };
    writeFileSync(path, JSON.stringify(all)); // JSON is YAML
    return path;
  }

  /** Starts the built forwarder, ours or the other build's. */
  forwarder(config: string, build: Build = "dist", node = process.execPath): Program {
    return new Program(node, [this.directory.join(build, "wazuh-dfn.cjs"), "run", "--config", config]);
  }

  /** Starts one of the programs of this benchmark. */
  program(name: string, args: readonly string[]): Program {
    return new Program(process.execPath, [join(programs, `${name}.js`), ...args]);
  }

  /** Runs a program of this benchmark to its end; returns its standard output and how long it took, in seconds. */
  async timed(file: string, args: readonly string[]): Promise<{ readonly output: string; readonly seconds: number }> {
    const startedMs = performance.now();
    const isOwn = !file.includes("/");
    const [command, all] = isOwn ? [process.execPath, [join(programs, `${file}.js`), ...args]] : [file, args];
    const child = spawn(command, all, { env: environment(), stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    const [code] = await once(child, "close");
    if (code !== 0) throw new Error(`${file} ended with ${String(code)}`);
    return { output, seconds: (performance.now() - startedMs) / 1000 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#kafka)?.[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}

/** The environment that programs are started with: no more, because some variables make Node start slower. */
export function environment(): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "" };
}

function fetched(directory: string): string | undefined {
  const arch = ownArch();
  if (arch === undefined) return undefined;
  try {
    return join(fetchNode(arch, directory), "bin/node");
  } catch (reason) {
    process.stderr.write(`the package's Node cannot be had: ${describe(reason)}\n`);
    return undefined;
  }
}
