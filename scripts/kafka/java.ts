import { spawn, spawnSync, type ChildProcessByStdio } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { repositoryRoot } from "../repository.ts";
import { howToInstall, installPrograms, missingPrograms } from "./programs.ts";
import { kafkaVersion, pom } from "./versions.ts";

/** Has Java 17 and Maven; used if the system has neither and they may not be installed. */
const containerImage = "docker.io/library/maven:3.9-eclipse-temurin-17";

/** Set for this process and those that it starts: Java was found, which takes a second of processor time each time. */
const foundVariable = "WAZUH_DFN_JAVA_FOUND";

export type Signal = "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT";

/** A running Java program. */
export interface JavaProcess {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  signal(name: Signal): void;
}

/**
 * Runs Java programs with Kafka's jars on their class path, on this machine or in a container that sees the checkout
 * and the temporary directory under the same paths and shares the network.
 */
export class Java {
  /** Directory of Kafka's jars. */
  readonly lib: string;
  readonly #engine: string | undefined;

  private constructor(lib: string, engine: string | undefined) {
    this.lib = lib;
    this.#engine = engine;
  }

  /**
   * Finds or installs Java, Maven and the jars of Apache Kafka. The jars stay in `.cache/kafka/<version>/lib` of the
   * checkout, or below the directory that `KAFKA_CACHE` names.
   * @throws Error with one line that says what to install
   */
  static provide(): Java {
    const cache = join(process.env["KAFKA_CACHE"] ?? join(repositoryRoot, ".cache/kafka"), kafkaVersion());
    const lib = join(cache, "lib");
    mkdirSync(cache, { recursive: true });
    const hasJars = existsSync(lib);
    const compiler = process.env[foundVariable] === undefined ? (["java", "javac"] as const) : [];
    const needed = hasJars ? compiler : (["java", "javac", "mvn"] as const);
    const missing = missingPrograms(needed).length > 0 ? installPrograms(needed) : [];
    if (missing.length === 0) process.env[foundVariable] = "yes";
    const engine = missing.length > 0 ? containerEngine() : undefined;
    if (missing.length > 0 && engine === undefined)
      throw new Error(`${howToInstall(missing)}, or start a container engine (docker or podman)`);
    const java = new Java(lib, engine);
    if (!hasJars) java.#fetchJars();
    return java;
  }

  /** Starts a program: `args` as for `java`, after the class path. `classes` is one more directory on it. */
  spawn(args: readonly string[], options: { classes?: string } = {}): JavaProcess {
    const name = `wazuh-dfn-test-${randomUUID()}`;
    const classPath = [join(this.lib, "*"), ...(options.classes === undefined ? [] : [options.classes])].join(":");
    const [file, ...rest] = this.#command("java", ["-cp", classPath, ...args], name);
    const child = spawn(file, rest, { stdio: ["pipe", "pipe", "pipe"] });
    const engine = this.#engine;
    const signal = (signalName: Signal): void => {
      if (engine === undefined) child.kill(signalName);
      else spawnSync(engine, ["kill", "-s", signalName, name], { stdio: "ignore" });
    };
    return { child, signal };
  }

  /**
   * Runs a program to its end.
   * @throws Error with what it printed, when it fails
   */
  run(program: "java" | "javac" | "mvn", args: readonly string[]): void {
    const [file, ...rest] = this.#command(program, args, `wazuh-dfn-test-${randomUUID()}`);
    const { status, stdout, stderr, error } = spawnSync(file, rest, { encoding: "utf8", maxBuffer: 16 << 20 });
    if (status === 0) return;
    throw new Error(`${program} ${args.join(" ")} failed: ${error?.message ?? `${stderr}${stdout}`}`);
  }

  #command(program: string, args: readonly string[], name: string): [string, ...string[]] {
    if (this.#engine === undefined) return [program, ...args];
    const shared = new Set([repositoryRoot, dirname(this.lib), tmpdir()]);
    const mounts = [...shared].flatMap((path) => ["-v", `${path}:${path}`]);
    return [
      this.#engine,
      "run",
      "--rm",
      "-i",
      "--network=host",
      `--name=${name}`,
      ...mounts,
      containerImage,
      program,
      ...args,
    ];
  }

  /** Fetches into a neighbouring directory and renames it, so that one that was interrupted leaves nothing half done. */
  #fetchJars(): void {
    const partial = `${this.lib}-${process.pid}`;
    process.stderr.write(`fetching Apache Kafka ${kafkaVersion()} from Maven Central\n`);
    const goal = ["dependency:copy-dependencies", `-DoutputDirectory=${partial}`, "-DincludeScope=runtime"];
    const version = `-Dkafka.version=${kafkaVersion()}`;
    this.run("mvn", ["-q", "-B", "-f", pom, version, ...goal]);
    if (readdirSync(partial).length < 30) throw new Error(`Maven put only a part of Kafka's jars into ${partial}`);
    moveOrDrop(partial, this.lib);
  }
}

/** Gives a directory its final name; several test files may do so at once, and the first one's stays. */
export function moveOrDrop(partial: string, final: string): void {
  try {
    renameSync(partial, final);
  } catch (reason) {
    if (!existsSync(final)) throw reason;
    rmSync(partial, { recursive: true });
  }
}

/** A container engine whose daemon answers. */
function containerEngine(): string | undefined {
  return ["docker", "podman"].find((file) => spawnSync(file, ["info"], { stdio: "ignore" }).status === 0);
}
