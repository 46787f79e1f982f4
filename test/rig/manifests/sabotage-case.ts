/** One thing that may happen to the topics. */
import type { WrittenRecord } from "./node-writer.ts";
import { Scene } from "./scene.ts";

export interface Expected {
  readonly result: "complete" | "unproven" | "incomplete" | "unknown";
  /** `kind node hour` each, sorted. */
  readonly findings?: readonly string[];
  /** A pattern for one of the reasons why something cannot be known. */
  readonly unknown?: RegExp;
  /** Of the node `north`. */
  readonly verdict?: string;
}

export interface Sabotage {
  readonly title: string;
  readonly options?: (scene: Scene) => readonly string[];
  /** Makes the topics. */
  readonly make: (topic: string, now: number) => Scene;
  readonly expected: (scene: Scene) => Expected;
}

/** A scene that is changed when it is whole. */
export function sabotaged(
  title: string,
  change: (scene: Scene) => void,
  expected: (scene: Scene) => Expected,
): Sabotage {
  const make = (topic: string, now: number): Scene => {
    const scene = new Scene(topic, now);
    change(scene);
    return scene;
  };
  return { title, make, expected };
}

/** Exactly these findings. */
export function incomplete(...findings: string[]): Expected {
  return { result: "incomplete", findings: findings.toSorted() };
}

/** A record with other headers or another value. */
export function changedRecord(
  record: WrittenRecord,
  value: string,
  headers: Record<string, string> = {},
): WrittenRecord {
  return { ...record, value, headers: { ...record.headers, ...headers } };
}
