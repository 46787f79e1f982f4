/** Some hours of two nodes, as they are in the topics when nothing is wrong. Saboteurs change copies of it. */
import type { KeyObject } from "node:crypto";
import { present } from "../present.ts";
import { isoOf, newKey, NodeWriter, publicKeyText, type WrittenRecord } from "./node-writer.ts";

const minuteMs = 60_000;
/** Between two manifests. */
export const stepMs = 10 * minuteMs;
export const hourMs = 60 * minuteMs;

/** A record of the topic of manifests. */
export interface WrittenManifest {
  readonly key: string;
  readonly value: Buffer;
}

export interface SceneOptions {
  /** Called before the records of a step are made; returns false to make none. */
  readonly before?: (scene: Scene, node: NodeWriter, at: number) => void | false;
  /** Called in place of cutting a manifest at the end of a step. */
  readonly cut?: (scene: Scene, node: NodeWriter, at: number) => WrittenManifest | undefined;
}

export class Scene {
  readonly topic: string;
  /** What is now, and the beginning of the first hour; milliseconds since 1970. */
  readonly now: number;
  readonly startMs: number;
  readonly keys = new Map<string, KeyObject>();
  readonly nodes: readonly NodeWriter[];
  manifests: WrittenManifest[] = [];
  records: WrittenRecord[] = [];

  constructor(topic: string, now: number, { before, cut }: SceneOptions = {}) {
    this.topic = topic;
    this.now = now;
    this.startMs = Math.floor(now / hourMs) * hourMs - 3 * hourMs;
    this.nodes = ["north", "south"].map((name) => {
      const key = newKey();
      this.keys.set(name, key);
      return new NodeWriter(name, key);
    });
    for (let at = this.startMs; at < now; at += stepMs) {
      const end = Math.min(at + stepMs, now);
      for (const node of this.nodes) {
        if (before?.(this, node, at) !== false) this.fill(node, at, end);
        const manifest = cut === undefined ? this.cut(node, end) : cut(this, node, end);
        if (manifest !== undefined) this.manifests.push(manifest);
      }
    }
  }

  /** Records of a node, every fifty seconds. */
  fill(node: NodeWriter, from: number, to: number): void {
    for (let at = from; at < to; at += 50_000) {
      const handler = (at / 50_000) % 4 < 1 ? "fail2ban" : "windows";
      this.records.push(node.record(this.topic, Math.floor(at / 1000), { handler }));
    }
  }

  /** A manifest after an interval as long as the steps. */
  cut(node: NodeWriter, at: number, other: Parameters<NodeWriter["cut"]>[1] = {}): WrittenManifest {
    return node.cut(at, { interval: stepMs, ...other });
  }

  /** `--key` for each node. */
  get keyOptions(): string[] {
    return [...this.keys].map(([node, key]) => `${node}=${publicKeyText(key)}`);
  }

  node(name: string): NodeWriter {
    return present(this.nodes.find(({ node }) => node === name));
  }

  /** The hour of a moment so many minutes after the beginning. */
  hour(minutes: number): string {
    return `${isoOf(this.startMs + minutes * minuteMs).slice(0, 13)}Z`;
  }

  /** The places of a node's records of an hour, from 0. */
  recordsIn(node: string, minutes: number): readonly number[] {
    return this.records.flatMap(({ headers }, at) => {
      const id = headers["wazuh-alert-id"] ?? "";
      const isOfHour = `${isoOf(Number(id.split(".")[0]) * 1000).slice(0, 13)}Z` === this.hour(minutes);
      return headers["wazuh-node"] === node && isOfHour ? [at] : [];
    });
  }

  /** A record of the node in that hour. */
  one(node: string, minutes: number, which = 7): number {
    return present(this.recordsIn(node, minutes)[which]);
  }

  /** The place of the node's manifest that was cut so many minutes after the beginning. */
  manifestAt(node: string, minutes: number): number {
    const time = isoOf(this.startMs + minutes * minuteMs);
    const at = this.manifests.findIndex(({ key, value }) => key === node && value.includes(`"time":"${time}"`));
    if (at < 0) throw new Error(`${node} has no manifest of ${time}`);
    return at;
  }
}
