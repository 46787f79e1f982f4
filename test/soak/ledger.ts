import { relevantTemplates, type SoakAlert } from "./alerts.ts";

const isRelevantBit = 1;
const mayBeLostBit = 2;
const mayBeDeadBit = 4;
const mustBeDeadBit = 8;
const isDeadBit = 16;
const mayBeLateBit = 32;

/**
 * What the fake manager wrote, in a few bytes per alert, and how often each was seen in the topic. Written by the
 * writer alone; the forwarder has no part in it.
 */
export class SoakLedger {
  #bits = new Uint8Array(1 << 16);
  #seen = new Uint8Array(1 << 16);
  #templates = new Uint16Array(1 << 16);
  #ids: string[] = [];
  #keys: string[] = [];
  readonly #insets = new Map<number, Buffer>();
  /** Alerts written, and the relevant ones of them. */
  written = 0;
  /**
   * The number after the last alert's; higher than the number written, because each file of the log begins a new
   * second.
   */
  end = 0;
  relevant = 0;
  /** Relevant ones that are neither seen, nor dead, nor excused. */
  outstanding = 0;

  add({ sequence, id, template, key, inset }: SoakAlert): void {
    while (sequence >= this.#bits.length) this.#grow();
    this.#templates[sequence] = template;
    if (inset !== undefined) this.#insets.set(sequence, inset);
    this.written++;
    this.end = sequence + 1;
    this.#ids[sequence] = id;
    this.#keys[sequence] = key;
    if (!relevantTemplates.has(template)) return;
    this.#bits[sequence] = isRelevantBit;
    this.relevant++;
    this.outstanding++;
  }

  isRelevant(sequence: number): boolean {
    return sequence < this.end && this.#has(sequence, isRelevantBit);
  }

  idOf(sequence: number): string | undefined {
    return this.#ids[sequence];
  }

  keyOf(sequence: number): string | undefined {
    return this.#keys[sequence];
  }

  templateOf(sequence: number): number {
    return this.#templates[sequence] ?? 0;
  }

  insetOf(sequence: number): Buffer | undefined {
    return this.#insets.get(sequence);
  }

  seenOf(sequence: number): number {
    return this.#seen[sequence] ?? 0;
  }

  isDead(sequence: number): boolean {
    return this.#has(sequence, isDeadBit);
  }

  /** Whether a dead letter of it is acceptable. */
  mayBeDead(sequence: number): boolean {
    return this.#has(sequence, mayBeDeadBit | mustBeDeadBit);
  }

  /** @returns how often it had been seen before */
  see(sequence: number): number {
    const before = this.seenOf(sequence);
    this.#update(sequence, () => (this.#seen[sequence] = Math.min(before + 1, 255)));
    return before;
  }

  /** @returns false when it was dead before */
  die(sequence: number): boolean {
    const isNew = !this.isDead(sequence);
    this.#set(sequence, isDeadBit);
    return isNew;
  }

  /** The bytes were overwritten before everybody could read them, or Kafka's copies were deleted. */
  letOff(from: number, to: number): void {
    for (let at = from; at < to; at++) this.#set(at, mayBeLostBit);
  }

  /** Kafka has lost its copies: they must come again, and after others. */
  forget(from: number, to: number): void {
    for (let at = from; at < to; at++) this.#update(at, () => (this.#seen[at] = 0));
    this.allowLate(from, to);
  }

  /** The log itself had them out of order, or later than what was written after them. */
  allowLate(from: number, to: number): void {
    for (let at = from; at < to; at++) this.#set(at, mayBeLateBit);
  }

  mayBeLate(sequence: number): boolean {
    return this.#has(sequence, mayBeLateBit);
  }

  /** Refusing it is right, and so is delivering it. */
  allowDead(sequence: number): void {
    this.#set(sequence, mayBeDeadBit);
  }

  /** Nothing other than a dead letter is right. */
  expectDead(sequence: number): void {
    this.#set(sequence, mustBeDeadBit);
  }

  /** Relevant alerts that are nowhere, and ones that must be dead and are not. */
  *missing(): Generator<number> {
    for (let at = 0; at < this.end; at++) if (this.#isOutstanding(at)) yield at;
  }

  #isOutstanding(sequence: number): boolean {
    if (!this.#has(sequence, isRelevantBit) || this.#has(sequence, mayBeLostBit | isDeadBit)) return false;
    return this.seenOf(sequence) === 0 || this.#has(sequence, mustBeDeadBit);
  }

  #has(sequence: number, bits: number): boolean {
    return ((this.#bits[sequence] ?? 0) & bits) !== 0;
  }

  #set(sequence: number, bit: number): void {
    this.#update(sequence, () => (this.#bits[sequence] = (this.#bits[sequence] ?? 0) | bit));
  }

  #update(sequence: number, change: () => void): void {
    const before = this.#isOutstanding(sequence);
    change();
    this.outstanding += Number(this.#isOutstanding(sequence)) - Number(before);
  }

  #grow(): void {
    const size = this.#bits.length * 2;
    this.#bits = larger(new Uint8Array(size), this.#bits);
    this.#seen = larger(new Uint8Array(size), this.#seen);
    this.#templates = larger(new Uint16Array(size), this.#templates);
  }
}

function larger<A extends Uint8Array | Uint16Array>(into: A, from: A): A {
  into.set(from);
  return into;
}
