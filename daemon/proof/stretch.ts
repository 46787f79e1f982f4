import { z } from "zod";
import type { Manifest } from "../manifest/manifest.ts";
import type { Contribution, CountedEntry, CountedRecord, DeadPart } from "./contribution.ts";
import type { NameTable } from "./name-table.ts";
import { savedTallyForm, Tallies } from "./tallies.ts";

/** A manifest is cut before its stretch has more records than this: their digests are in each checkpoint. */
export const fullStretch = 20_000;
/** More entries than this, in spite of hours instead of minutes, make a stretch full, too. */
const fullEntries = 2000;
/** A checkpoint has room for the digests of this many records, and entries: what cannot be cut before then is given up. */
const overfullStretch = 100_000;
const overfullEntries = 6000;
/** Dead letters are counted by topic, handler and reason; beyond this many kinds, under the reason `other`. */
const maxDead = 500;

const count = z.int().min(0);
const linesForm = z.strictObject({
  total: count,
  ignored: count,
  relevant: count,
  too_old: count,
  broken: count,
  salvaged: count,
});

/** What the checkpoint has of a stretch. */
export const savedStretchForm = z.strictObject({
  lines: linesForm,
  dead: z.array(
    z.strictObject({ topic: z.string().nullable(), handler: z.string().nullable(), reason: z.string(), count }),
  ),
  records: z.array(savedTallyForm),
  unlined: z.array(savedTallyForm),
});
type SavedStretch = z.infer<typeof savedStretchForm>;

const noLines = { total: 0, ignored: 0, relevant: 0, too_old: 0, broken: 0, salvaged: 0 };

/** What was counted since the last cut, all of it behind the position. */
export class OpenStretch {
  readonly #lines = { ...noLines };
  readonly #dead = new Map<string, DeadPart & { count: number }>();
  readonly #records = new Tallies();
  readonly #unlined = new Tallies();

  /** Nothing may be added for long before it is cut. */
  get isFull(): boolean {
    const { count: all, entries } = this.#records;
    return all + this.#unlined.count >= fullStretch || entries + this.#unlined.entries >= fullEntries;
  }

  /** The log alone may add entries. */
  get isCrowded(): boolean {
    return this.#records.entries + this.#unlined.entries >= fullEntries;
  }

  /** More than a checkpoint can hold. */
  get isOverfull(): boolean {
    const { count: all, entries } = this.#records;
    return all + this.#unlined.count > overfullStretch || entries + this.#unlined.entries > overfullEntries;
  }

  get unlinedCount(): number {
    return this.#unlined.count;
  }

  ignored(lines: number): void {
    this.#lines.total += lines;
    this.#lines.ignored += lines;
  }

  add({ kind, salvaged, records, dead }: Contribution): void {
    this.#lines.total += 1;
    if (kind === "relevant") this.#lines.relevant += 1;
    else if (kind === "broken") this.#lines.broken += 1;
    else this.#lines.too_old += 1;
    this.#lines.salvaged += salvaged;
    for (const record of records) this.#records.add(record);
    for (const part of dead) this.#bury(part, 1);
  }

  /** A line that is one record, which the log brought. @param digests as `wordsOf` gives them */
  addRecord(entry: CountedEntry, digests: Int32Array, index: number): void {
    this.#lines.total += 1;
    this.#lines.relevant += 1;
    this.#records.addFrom(entry, digests, index);
  }

  /** Records of the socket that no line of the log covers. */
  addUnlined(records: readonly CountedRecord[], dead: readonly DeadPart[]): void {
    for (const record of records) this.#unlined.add(record);
    for (const part of dead) this.#bury(part, 1);
  }

  /** Forgets everything that was counted: a manifest has it. */
  clear(): void {
    Object.assign(this.#lines, noLines);
    this.#dead.clear();
    this.#records.clear();
    this.#unlined.clear();
  }

  /** The members of a manifest. */
  get content(): Pick<Manifest, "lines" | "dead" | "records" | "unlined"> {
    return {
      lines: { ...this.#lines },
      dead: [...this.#dead.values()].map((one) => ({ ...one })),
      records: this.#records.manifestEntries,
      unlined: this.#unlined.manifestEntries,
    };
  }

  save(table: NameTable): SavedStretch {
    return {
      lines: { ...this.#lines },
      dead: [...this.#dead.values()].map((one) => ({ ...one })),
      records: this.#records.save(table),
      unlined: this.#unlined.save(table),
    };
  }

  /** @returns undefined if an entry has no name in the table */
  static restore({ lines, dead, records, unlined }: SavedStretch, table: NameTable): OpenStretch | undefined {
    const stretch = new OpenStretch();
    Object.assign(stretch.#lines, lines);
    for (const { count: times, ...part } of dead) stretch.#bury(part, times);
    const isWhole = stretch.#records.restore(records, table) && stretch.#unlined.restore(unlined, table);
    return isWhole ? stretch : undefined;
  }

  #bury({ topic, handler, reason }: DeadPart, times: number): void {
    const isNew = !this.#dead.has(JSON.stringify([topic, handler, reason]));
    const part =
      isNew && this.#dead.size >= maxDead
        ? { topic: null, handler: null, reason: "other" }
        : { topic, handler, reason };
    const name = JSON.stringify([part.topic, part.handler, part.reason]);
    const known = this.#dead.get(name);
    if (known === undefined) this.#dead.set(name, { ...part, count: times });
    else known.count += times;
  }
}
