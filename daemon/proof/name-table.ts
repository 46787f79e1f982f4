import { z } from "zod";
import type { Contribution, CountedRecord, LineKind } from "./contribution.ts";

const kinds = ["relevant", "broken", "too-old"] as const satisfies readonly LineKind[];
const digestPattern = /^[A-Za-z0-9+/]{43}=$/;

/** Topic, handler, node and bucket of an entry. */
export const entryNameForm = z.tuple([z.string(), z.string(), z.string(), z.string()]);
export type EntryName = z.infer<typeof entryNameForm>;

/** A contribution as the checkpoint has it: its entries by their index in the table. */
const savedForm = z.tuple([
  z
    .int()
    .min(0)
    .max(kinds.length - 1),
  z.int().min(0),
  z.array(z.tuple([z.int().min(0), z.union([z.literal(0), z.literal(1)]), z.string().regex(digestPattern)])),
  z.array(z.tuple([z.string().nullable(), z.string().nullable(), z.string()])),
]);
export type SavedContribution = z.infer<typeof savedForm>;

/** Names of entries, each of which a checkpoint has once. */
export class NameTable {
  readonly names: EntryName[];
  readonly #indexes = new Map<string, number>();

  constructor(names: readonly EntryName[] = []) {
    this.names = [...names];
    for (const [index, name] of names.entries()) this.#indexes.set(JSON.stringify(name), index);
  }

  indexOf(name: EntryName): number {
    const text = JSON.stringify(name);
    let index = this.#indexes.get(text);
    if (index === undefined) {
      index = this.names.push(name) - 1;
      this.#indexes.set(text, index);
    }
    return index;
  }

  save({ kind, salvaged, records, dead }: Contribution): SavedContribution {
    return [
      kinds.indexOf(kind),
      salvaged,
      records.map(({ entry: { topic, handler, node, bucket }, isFromSocket, digest }) => [
        this.indexOf([topic, handler, node, bucket]),
        isFromSocket ? 1 : 0,
        Buffer.from(digest, "latin1").toString("base64"),
      ]),
      dead.map(({ topic, handler, reason }) => [topic, handler, reason]),
    ];
  }

  /** @returns undefined for what `save` did not make */
  restore(saved: unknown): Contribution | undefined {
    const checked = savedForm.safeParse(saved);
    if (!checked.success) return undefined;
    const [kind, salvaged, parts, dead] = checked.data;
    const records: CountedRecord[] = [];
    for (const [index, socket, digest] of parts) {
      const name = this.names[index];
      if (name === undefined) return undefined;
      const [topic, handler, node, bucket] = name;
      const text = Buffer.from(digest, "base64").toString("latin1");
      records.push({ entry: { topic, handler, node, bucket }, isFromSocket: socket === 1, digest: text });
    }
    return {
      kind: kinds[kind] ?? "relevant",
      salvaged,
      records,
      dead: dead.map(([topic, handler, reason]) => ({ topic, handler, reason })),
    };
  }
}
