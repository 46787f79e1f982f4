import { writeFileSync } from "node:fs";
import type { Kafka, TopicOptions } from "../rig/kafka.ts";
import type { Scene } from "../rig/manifests/scene.ts";
import { sendTo } from "../rig/manifests/send.ts";
import { Program } from "../rig/program.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { forwarderBundle } from "../rig/forwarder-bundle.ts";

let count = 0;

/** What `verify --json` says, as far as tests look at it. */
export interface Verified {
  readonly code: number | NodeJS.Signals;
  readonly result: string;
  readonly findings: readonly { readonly kind: string; readonly node: string; readonly hour: string | null }[];
  readonly unknown: readonly string[];
  readonly warnings: readonly string[];
  readonly nodes: readonly { readonly node: string; readonly verdicts: Readonly<Record<string, number>> }[];
  readonly records: number;
}

/** Topics of records and manifests on a Kafka, and a configuration of the SOC. */
export class VerifyWorld implements AsyncDisposable {
  readonly topic: string;
  readonly manifests: string;
  readonly directory: TempDir;
  readonly #kafka: Kafka;

  private constructor(kafka: Kafka, directory: TempDir) {
    this.#kafka = kafka;
    this.directory = directory;
    const name = `verify-${process.pid}-${Date.now()}-${count++}`;
    this.topic = `${name}-records`;
    this.manifests = `${name}-manifests`;
  }

  static async create(kafka: Kafka, options: { records?: TopicOptions; manifests?: TopicOptions } = {}) {
    const world = new VerifyWorld(kafka, await TempDir.create());
    await kafka.createTopic(world.topic, { partitions: 2, ...options.records });
    await kafka.createTopic(world.manifests, { partitions: 1, ...options.manifests });
    const settings = { dfn: { customer_id: "soc" }, sink: { kafka: { brokers: kafka.addresses } } };
    writeFileSync(world.directory.join("config.yaml"), JSON.stringify(settings));
    return world;
  }

  send(scene: Pick<Scene, "records" | "manifests">): Promise<void> {
    return sendTo(this.#kafka.addresses, scene, this.manifests);
  }

  start(...args: readonly string[]): Program {
    const config = ["--config", this.directory.join("config.yaml"), "--manifests", this.manifests];
    return new Program(process.execPath, [forwarderBundle, "verify", ...config, ...args]);
  }

  async verify(...args: readonly string[]): Promise<Verified> {
    await using program = this.start("--json", ...args);
    const code = await program.end();
    const text = program.outputLines.join("\n");
    if (text === "") throw new Error(program.errorLines.join("\n"));
    return { code, ...JSON.parse(text) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.directory[Symbol.asyncDispose]();
  }
}

/** `--key` for each node of a scene. */
export function keysOf(scene: Scene): string[] {
  return scene.keyOptions.flatMap((key) => ["--key", key]);
}

export function foundIn({ findings }: Verified): string[] {
  return findings.map(({ kind, node, hour }) => `${kind} ${node} ${hour}`).toSorted();
}
