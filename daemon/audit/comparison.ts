/** Compares what must be in the sink with what is there, entry by entry. Pure. */
import { anyTopic, entryKinds, type EntryBlock } from "./entries.ts";

/**
 * What became of an expected record, or what a kept one is.
 * - equal: it is in the sink as it must be.
 * - reprinted: it is there as integratord printed it again, which the socket brought.
 * - altered: a record of its alert is there, with another value.
 * - dead-letter: it is among the dead letters.
 * - pending: it is not there, and the forwarder is not done with its line.
 * - early: it is not there, and was in the log before the first start.
 * - unknown: it is not there, and what was appended in its time may have been removed.
 * - missing: it is not there.
 * - twice: a kept record more than there are lines for.
 * - unlined: a kept record whose alert is not in the log.
 */
export type AuditVerdict =
  "equal" | "reprinted" | "altered" | "dead-letter" | "pending" | "early" | "unknown" | "missing" | "twice" | "unlined";

/** One verdict. */
export interface Compared {
  readonly verdict: AuditVerdict;
  /** Number of the expected entry; -1 if there is none. */
  readonly expected: number;
  /** Number of the kept entry; -1 if there is none. */
  readonly kept: number;
  /** A dead letter that somebody has acknowledged. */
  readonly isAcknowledged: boolean;
}

/**
 * Compares all entries of a block: those of one identity with one another. Equal values match first, then re-prints, then
 * dead letters; what is left of both sides is altered, and what is left of one side is missing, or there twice.
 * @param isRemoved whether what was appended in this second may have been removed from the topic
 */
export function* compareBlock(
  block: EntryBlock,
  isRemoved: (topic: number, second: number) => boolean,
): Generator<Compared> {
  const order = block.sorted();
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && block.hasSameIdentity(order[from]!, order[to]!)) to++;
    yield* new Namesakes(block, order.subarray(from, to)).compared(isRemoved);
    from = to;
  }
}

/** Entries of one identity. */
class Namesakes {
  readonly #block: EntryBlock;
  readonly #all: Uint32Array;
  /** What has no match yet, in the order of the log and of the offsets. */
  readonly #expected = new Set<number>();
  readonly #kept = new Set<number>();

  constructor(block: EntryBlock, all: Uint32Array) {
    this.#block = block;
    this.#all = all;
  }

  *compared(isRemoved: (topic: number, second: number) => boolean): Generator<Compared> {
    const letters: number[] = [];
    for (const index of this.#all) {
      const kind = this.#block.kind(index);
      if (kind === entryKinds.expected) this.#expected.add(index);
      else if (kind === entryKinds.kept) this.#kept.add(index);
      else letters.push(index);
    }
    const hasLines = this.#expected.size > 0;
    if (hasLines) {
      yield* this.#equal();
      yield* this.#nameOnly();
      yield* this.#reprinted();
      yield* this.#letters(letters);
      yield* this.#altered();
    }
    for (const expected of this.#expected) {
      yield { verdict: this.#absence(expected, isRemoved), expected, kept: -1, isAcknowledged: false };
    }
    for (const kept of this.#kept) {
      yield { verdict: hasLines ? "twice" : "unlined", expected: -1, kept, isAcknowledged: false };
    }
  }

  *#equal(): Generator<Compared> {
    const block = this.#block;
    const byValue = this.#lists((index) => (block.has(index, "failed") ? undefined : block.value(index)));
    for (const kept of this.#kept) {
      if (block.has(kept, "nameOnly")) continue;
      const list = byValue.get(block.value(kept)) ?? [];
      const at = list.findIndex((expected) => this.#isOfTopic(expected, kept));
      const [expected] = at < 0 ? [] : list.splice(at, 1);
      if (expected !== undefined) yield this.#matched("equal", expected, kept);
    }
  }

  /** Records of which only the name is known match what is left, whatever their value. */
  *#nameOnly(): Generator<Compared> {
    for (const kept of this.#kept) {
      const [expected] = this.#expected;
      if (expected === undefined) return;
      if (this.#block.has(kept, "nameOnly")) yield this.#matched("equal", expected, kept);
    }
  }

  *#reprinted(): Generator<Compared> {
    const block = this.#block;
    if (this.#expected.size === 0) return;
    const byContent = this.#lists((index) => (block.has(index, "failed") ? undefined : block.content(index)));
    for (const kept of this.#kept) {
      if (!block.has(kept, "maybeReprint")) continue;
      const list = byContent.get(block.content(kept)) ?? [];
      const at = list.findIndex((expected) => this.#isOfTopic(expected, kept));
      const [expected] = at < 0 ? [] : list.splice(at, 1);
      if (expected !== undefined) yield this.#matched("reprinted", expected, kept);
    }
  }

  *#letters(letters: readonly number[]): Generator<Compared> {
    const left = [...letters];
    for (const expected of this.#expected) {
      const isNamed = this.#block.has(expected, "hasLetter");
      const letter = isNamed ? undefined : left.shift();
      if (!isNamed && letter === undefined) continue;
      const isAcknowledged = this.#block.has(letter ?? expected, "acknowledged");
      this.#expected.delete(expected);
      yield { verdict: "dead-letter", expected, kept: -1, isAcknowledged };
    }
  }

  *#altered(): Generator<Compared> {
    for (const kept of this.#kept) {
      const [expected] = this.#expected;
      if (expected === undefined) return;
      yield this.#matched("altered", expected, kept);
    }
  }

  #absence(expected: number, isRemoved: (topic: number, second: number) => boolean): AuditVerdict {
    const block = this.#block;
    if (block.has(expected, "early")) return "early";
    if (block.has(expected, "pending")) return "pending";
    return isRemoved(block.topic(expected), block.second(expected)) ? "unknown" : "missing";
  }

  #lists(keyOf: (index: number) => string | undefined): Map<string, number[]> {
    const lists = new Map<string, number[]>();
    for (const index of this.#expected) {
      const key = keyOf(index);
      if (key === undefined) continue;
      const list = lists.get(key);
      if (list === undefined) lists.set(key, [index]);
      else list.push(index);
    }
    return lists;
  }

  #isOfTopic(expected: number, kept: number): boolean {
    const topic = this.#block.topic(kept);
    return topic === anyTopic || topic === this.#block.topic(expected);
  }

  #matched(verdict: AuditVerdict, expected: number, kept: number): Compared {
    this.#expected.delete(expected);
    this.#kept.delete(kept);
    return { verdict, expected, kept, isAcknowledged: false };
  }
}
