import assert from "node:assert/strict";
import type { KeyObject } from "node:crypto";
import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { newKey, publicKeyText } from "../rig/manifests/node-writer.ts";
import { refereeManifests, writtenRecord, type Judged } from "../rig/manifests/referee.ts";
import type { Kafka } from "../rig/kafka.ts";
import { readTopic } from "../rig/read-topic.ts";
import { World, type Settings, type WorldOptions } from "../rig/world.ts";

/** A manager whose forwarder publishes manifests. */
export class ProvenWorld implements AsyncDisposable {
  readonly world: World;
  readonly key: KeyObject;
  readonly manifests: string;
  readonly settings: Settings;

  private constructor(world: World, key: KeyObject) {
    this.world = world;
    this.key = key;
    this.manifests = `${world.topic}-manifests`;
    const file = world.directory.join("manifest.pem");
    writeFileSync(file, key.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
    this.settings = { manifest: { topic: this.manifests, interval: "1s", key_file: file } };
  }

  static async create(kafka: Kafka, options?: WorldOptions): Promise<ProvenWorld> {
    const proven = new ProvenWorld(await World.create(kafka, options), newKey());
    await kafka.createTopic(proven.manifests, { partitions: 1 });
    return proven;
  }

  /** What the manifests in the topic say, against the records there. @param others topics of records, besides the first */
  async judge(...others: readonly string[]): Promise<Judged> {
    const topics = [this.world.topic, ...others];
    const read = topics.map(async (topic) => {
      return (await readTopic(this.world.kafka.addresses, topic)).map((record) => writtenRecord(topic, record));
    });
    const records = (await Promise.all(read)).flat();
    const values = (await readTopic(this.world.kafka.addresses, this.manifests)).map(
      ({ value }) => value ?? Buffer.alloc(0),
    );
    return refereeManifests(values, records, this.key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world[Symbol.asyncDispose]();
  }
}

/** What `verify --json` says. */
export interface ProvenVerdict {
  readonly code: unknown;
  readonly findings: readonly {
    readonly kind: string;
    readonly count: number;
    readonly node: string;
    readonly hour: string | null;
    /** Of the records that it is about; undefined for one about manifests. */
    readonly topic?: string;
  }[];
}

/** Runs `wazuh-dfn verify` over the topics. */
export async function verified(proven: ProvenWorld): Promise<ProvenVerdict> {
  const { world, manifests, key, settings } = proven;
  const args = ["--manifests", manifests, "--key", `${hostname()}=${publicKeyText(key)}`, "--json"];
  const command = world.command("verify", args, settings);
  const code = await command.end();
  assert.notEqual(command.outputLines.length, 0, command.errorLines.join("\n"));
  const report: Pick<ProvenVerdict, "findings"> = JSON.parse(command.outputLines.join("\n"));
  return { code, findings: report.findings };
}
