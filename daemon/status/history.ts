import type { HistoryView } from "../page/history-view.ts";
import type { StatusSnapshot } from "./facts.ts";

const everyMs = 10_000;
/** Points of an hour. */
const size = 360;

interface Figure {
  readonly name: keyof HistoryView["curves"];
  readonly of: (snapshot: StatusSnapshot) => number;
}

/** Totals since the process started; their curves are what came a second. */
const totals: readonly Figure[] = [
  { name: "readPerSecond", of: ({ sources }) => sum(sources, ({ read }) => read) },
  { name: "relevantPerSecond", of: ({ sources }) => sum(sources, ({ read, ignored }) => read - ignored) },
  { name: "acknowledgedPerSecond", of: ({ sources }) => sum(sources, ({ acknowledged }) => acknowledged) },
  { name: "deadLetteredPerSecond", of: ({ sources }) => sum(sources, ({ deadLettered }) => deadLettered) },
];

/** Figures of a moment; their curves are the highest of a point's time. NaN where nothing is known. */
const levels: readonly Figure[] = [
  { name: "lagSeconds", of: ({ log }) => log?.lagSeconds ?? Number.NaN },
  { name: "lagBytes", of: ({ log }) => log?.lagBytes ?? Number.NaN },
  { name: "queueBytes", of: ({ queue }) => queue.bytes },
  { name: "memoryBytes", of: ({ process }) => process.rssBytes },
];

const names = [...totals, ...levels].map(({ name }) => name);

function nothing(): number {
  return Number.NaN;
}

function sum(sources: StatusSnapshot["sources"], pick: (counts: StatusSnapshot["sources"]["tail"]) => number): number {
  return Object.values(sources).reduce((all, counts) => all + pick(counts), 0);
}

/** The last hour in curves of 360 points each: 23 KB, however long it runs and whatever happens. */
export class History {
  readonly #points = new Float64Array(size * names.length).fill(Number.NaN);
  /** Points so far. */
  #count = 0;
  /** Of the present point: its beginning by the monotonic clock, the totals then, and the highest levels since. */
  #begunMs: number | undefined;
  readonly #begun = new Float64Array(totals.length);
  readonly #highest = new Float64Array(levels.length).fill(Number.NaN);
  #endedWallMs = 0;

  /**
   * Takes a look into account; to be called about once a second.
   * @param nowMs  milliseconds of a clock that only goes forward
   * @param wallMs milliseconds since 1970
   */
  add(snapshot: StatusSnapshot, nowMs: number, wallMs: number): void {
    for (const [index, level] of levels.entries()) {
      const value = level.of(snapshot);
      // Not Math.max: what is not known is not the highest.
      if (!(value <= this.#highest[index]!)) this.#highest[index] = Number.isNaN(value) ? this.#highest[index]! : value;
    }
    const elapsedMs = nowMs - (this.#begunMs ?? nowMs);
    if (this.#begunMs !== undefined && elapsedMs < everyMs) return;
    if (this.#begunMs !== undefined) {
      const missed = Math.min(size, Math.floor(elapsedMs / everyMs) - 1);
      for (let point = 0; point < missed; point++) this.#next(nothing, nothing);
      this.#next(
        (index) => Math.max(0, totals[index]!.of(snapshot) - this.#begun[index]!) / (elapsedMs / 1000),
        (index) => this.#highest[index]!,
      );
      this.#endedWallMs = wallMs;
    }
    this.#begunMs = nowMs;
    for (const [index, total] of totals.entries()) this.#begun[index] = total.of(snapshot);
    this.#highest.fill(Number.NaN);
  }

  #next(total: (index: number) => number, level: (index: number) => number): void {
    const slot = this.#count % size;
    for (let index = 0; index < totals.length; index++) this.#points[index * size + slot] = total(index);
    for (let index = 0; index < levels.length; index++)
      this.#points[(totals.length + index) * size + slot] = level(index);
    this.#count += 1;
  }

  report(): HistoryView {
    const points = Math.min(this.#count, size);
    const curve = (name: Figure["name"]): (number | null)[] => {
      const index = names.indexOf(name);
      return Array.from({ length: points }, (_, at) => {
        const value = this.#points[index * size + ((this.#count - points + at) % size)]!;
        return Number.isNaN(value) ? null : Math.round(value * 10) / 10;
      });
    };
    return {
      everySeconds: everyMs / 1000,
      endedAt: points === 0 ? undefined : this.#endedWallMs,
      curves: {
        readPerSecond: curve("readPerSecond"),
        relevantPerSecond: curve("relevantPerSecond"),
        acknowledgedPerSecond: curve("acknowledgedPerSecond"),
        deadLetteredPerSecond: curve("deadLetteredPerSecond"),
        lagSeconds: curve("lagSeconds"),
        lagBytes: curve("lagBytes"),
        queueBytes: curve("queueBytes"),
        memoryBytes: curve("memoryBytes"),
      },
    };
  }
}
