import { type Contribution, joined } from "./contribution.ts";

const firstSlots = 1024;

/**
 * What lines beyond the position add, by their numbers: a ring from the position on, because numbers are dense and a map of
 * them costs several times as much.
 */
export class PendingLines {
  /** As many as a power of two. */
  #slots = empty(firstSlots);
  #front = 0;

  /** Lines with a lower number are behind the position. */
  get front(): number {
    return this.#front;
  }

  /** What is known of a line; undefined for nothing. */
  of(line: number): Contribution | undefined {
    const isPending = line >= this.#front && line < this.#front + this.#slots.length;
    return isPending ? this.#slots[line & (this.#slots.length - 1)] : undefined;
  }

  /** Something more is known of a line. @throws Error if the position has passed it */
  note(line: number, contribution: Contribution): void {
    if (line < this.#front) throw new Error("a line that the position has passed cannot add anything");
    if (line >= this.#front + this.#slots.length) this.#grow(line);
    const slot = line & (this.#slots.length - 1);
    const known = this.#slots[slot];
    this.#slots[slot] = known === undefined ? contribution : joined(known, contribution);
  }

  /** The position passes a line. @returns what was known of it */
  pass(): Contribution | undefined {
    const slot = this.#front & (this.#slots.length - 1);
    const known = this.#slots[slot];
    this.#slots[slot] = undefined;
    this.#front += 1;
    return known;
  }

  #grow(line: number): void {
    const former = this.#slots;
    const slots = 2 ** Math.ceil(Math.log2(line - this.#front + 1));
    this.#slots = empty(slots);
    for (let at = this.#front; at < this.#front + former.length; at++)
      this.#slots[at & (slots - 1)] = former[at & (former.length - 1)];
  }
}

function empty(slots: number): (Contribution | undefined)[] {
  return Array.from({ length: slots }, () => undefined);
}
