import type { KeptRecord, RecordReading, TopicExtent } from "../../../daemon/records/record-reading.ts";
import { policyOf, type TopicReader } from "../../../daemon/verify/topic-reader.ts";
import type { Scene } from "./scene.ts";

interface Stored {
  readonly key: string;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly timestampMs: number;
}

/** Topics in memory, of one partition each. */
export class MemoryTopics implements TopicReader {
  readonly #topics = new Map<string, Stored[]>();
  /** Of each topic: the first offset that is still there. */
  readonly firsts = new Map<string, number>();
  readonly settings = new Map<string, ReadonlyMap<string, string>>();
  readonly read: TopicReader["read"];

  constructor() {
    this.read = async ({ stretches, visit }: RecordReading) => {
      for (const { topic, from, until } of stretches) {
        const all = this.#topics.get(topic) ?? [];
        const first = this.firsts.get(topic) ?? 0;
        const begin = typeof from === "number" ? from : all.findIndex(({ timestampMs }) => timestampMs >= from.sinceMs);
        for (let offset = Math.max(first, begin < 0 ? until : begin); offset < until; offset++) {
          const record = all[offset];
          if (record !== undefined) visit(kept(topic, offset, record));
        }
      }
      return [];
    };
  }

  /** @param manifests the topic of manifests */
  add(scene: Pick<Scene, "records" | "manifests">, manifests: string): void {
    for (const { key, value } of scene.manifests) {
      const time = /"time":"([^"]+)"/.exec(value.toString())?.[1] ?? "";
      this.#append(manifests, { key, value, headers: {}, timestampMs: Date.parse(time) });
    }
    for (const { topic, key, value, headers } of scene.records) {
      const timestampMs = Number((headers["wazuh-alert-id"] ?? "0").split(".")[0]) * 1000;
      this.#append(topic, { key, value: value === null ? null : Buffer.from(value), headers, timestampMs });
    }
  }

  async extents(topics: readonly string[]): Promise<readonly TopicExtent[]> {
    return topics.map((topic) => {
      const all = this.#topics.get(topic) ?? [];
      const first = this.firsts.get(topic) ?? 0;
      const firstMs = first === 0 ? undefined : all[first]?.timestampMs;
      return { topic, partitions: [{ topic, partition: 0, first, next: all.length, firstMs }], trouble: undefined };
    });
  }

  async policy(topic: string) {
    return policyOf(topic, this.settings.get(topic));
  }

  #append(topic: string, record: Stored): void {
    const all = this.#topics.get(topic) ?? [];
    this.#topics.set(topic, all);
    all.push(record);
  }
}

function kept(topic: string, offset: number, { key, value, headers, timestampMs }: Stored): KeptRecord {
  return {
    topic,
    partition: 0,
    offset,
    key,
    timestampMs,
    handler: headers["wazuh-dfn-handler"] ?? "",
    node: headers["wazuh-node"] ?? "",
    id: headers["wazuh-alert-id"] ?? "",
    source: headers["wazuh-dfn-source"] ?? "",
    value,
  };
}
