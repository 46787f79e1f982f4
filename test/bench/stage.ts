import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { repositoryRoot } from "../../scripts/repository.ts";
import { KafkaCluster } from "../rig/kafka-cluster.ts";
import { Program } from "../rig/program.ts";
import { TempDir } from "../rig/temp-dir.ts";

const programs = join(dirname(fileURLToPath(import.meta.url)), "programs");
const arriveWithinMs = 600_000;
const pollMs = 20;

/** How a program that brings records to a topic performed. */
export interface Run {
  /** From its start to the last record in the topic, seconds. */
  readonly seconds: number;
  /** Its peak memory, bytes. */
  readonly peakBytes: number;
}

/** What the rows share: a directory, a Kafka, the built bundles, and ways to run programs and look at the clock. */
export class Stage implements AsyncDisposable {
  readonly directory: TempDir;
  /** Factor on the sizes of files. */
  readonly scale: number;
  #kafka: Promise<KafkaCluster> | undefined;
  #names = 0;

  /** Whether the forwarder of another build is measured next to ours. */
  readonly hasOtherBuild: boolean;

  private constructor(directory: TempDir, scale: number, otherBuild: string | undefined) {
    this.directory = directory;
    this.scale = scale;
    this.hasOtherBuild = otherBuild !== undefined;
    if (otherBuild !== undefined) cpSync(otherBuild, directory.join("other"), { recursive: true });
    // A build during the run must not change what is measured.
    cpSync(join(repositoryRoot, "dist"), directory.join("dist"), { recursive: true });
  }

  /** @param otherBuild the `dist` directory of another build */
  static async create(scale: number, otherBuild?: string): Promise<Stage> {
    return new Stage(await TempDir.create(), scale, otherBuild);
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
  forwarder(config: string, build: "dist" | "other" = "dist"): Program {
    return new Program(process.execPath, [this.directory.join(build, "wazuh-dfn.cjs"), "run", "--config", config]);
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

  /** Starts a program and waits until the topic holds the given number of records. It ends by itself or is stopped. */
  async carry(topic: string, records: number, start: () => Program): Promise<Run> {
    const kafka = await this.kafka();
    const startedMs = performance.now();
    await using program = start();
    let arrived = 0;
    let peakBytes = 0;
    while ((arrived = await kafka.recordCount(topic)) < records) {
      const lateMs = performance.now() - startedMs;
      if ((program.ended !== undefined && program.ended !== 0) || lateMs > arriveWithinMs) {
        throw new Error(`${arrived} of ${records} records came: ${program.errorLines.slice(-20).join("\n")}`);
      }
      peakBytes = memoryOf(program).peakBytes ?? peakBytes;
      await delay(pollMs);
    }
    const seconds = (performance.now() - startedMs) / 1000;
    peakBytes = memoryOf(program).peakBytes ?? peakBytes;
    if (program.ended === undefined) await program.stop();
    // One more would be a record that was sent twice.
    if ((await kafka.recordCount(topic)) !== records) throw new Error(`more than ${records} records in ${topic}`);
    await kafka.deleteTopic(topic);
    return { seconds, peakBytes };
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

/** Memory in RAM now and at its peak, as Linux counts it; undefined when the process has ended. */
export function memoryOf({ pid }: { readonly pid: number }): {
  readonly nowBytes: number | undefined;
  readonly peakBytes: number | undefined;
} {
  const status = readProc(pid, "status");
  const bytes = (name: string): number | undefined => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
    return found === undefined ? undefined : Number(found) * 1024;
  };
  return { nowBytes: bytes("VmRSS"), peakBytes: bytes("VmHWM") };
}

/** Processor time of a process so far, in its own code and in the system, seconds; counted in hundredths. */
export function processorSeconds({ pid }: { readonly pid: number }): number {
  // The name in brackets may hold blanks; user and system time are fields 14 and 15.
  const fields = readProc(pid, "stat").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    // It has ended; a process that is gone has no numbers.
    return "";
  }
}
