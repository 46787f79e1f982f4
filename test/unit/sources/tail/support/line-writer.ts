import type { LogTree } from "./log-tree.ts";

/** A line that was written, or is being written. */
interface Written {
  readonly text: string;
  readonly isAwaited: boolean;
  isComplete: boolean;
}

/** Writes lines of any length, whole or in pieces, and remembers what a tail must make of them. */
export class LineWriter {
  /** Ends of files that are not alerts. */
  readonly torn = new Set<string>();
  readonly #tornFiles = new Set<string>();
  readonly #tree: LogTree;
  readonly #random: () => number;
  readonly #written: Written[] = [];
  #unfinished: { line: Written; rest: Buffer } | undefined;

  constructor(tree: LogTree, random: () => number) {
    this.#tree = tree;
    this.#random = random;
  }

  get hasUnfinished(): boolean {
    return this.#unfinished !== undefined;
  }

  /** Relevant lines that are complete, in the order in which they were begun. */
  get expected(): string[] {
    return this.#written.filter(({ isAwaited, isComplete }) => isAwaited && isComplete).map(({ text }) => text);
  }

  /** @param isAwaited false for a line that the tail must leave out although it is relevant */
  write(isAwaited = true): void {
    this.finish();
    const line = this.#line(isAwaited);
    this.#tree.write(line.text);
    line.isComplete = true;
  }

  /** Writes a piece of a line, or more of the one that was begun. */
  begin(mostBytes = Number.POSITIVE_INFINITY): void {
    if (!this.#unfinished) {
      const line = this.#line(true);
      this.#unfinished = { line, rest: Buffer.from(`${line.text}\n`) };
    }
    const { line, rest } = this.#unfinished;
    const length = 1 + this.#pick(Math.min(rest.length, mostBytes));
    this.#tree.writeRaw(rest.subarray(0, length));
    if (length < rest.length) this.#unfinished = { line, rest: rest.subarray(length) };
    else this.#complete(line);
  }

  /** Writes the rest of the line that was begun. */
  finish(): void {
    if (!this.#unfinished) return;
    this.#tree.writeRaw(this.#unfinished.rest);
    this.#complete(this.#unfinished.line);
  }

  /** Leaves the line that was begun unfinished for good; if only its newline is missing it counts. */
  tear(): void {
    if (!this.#unfinished) return;
    const { line, rest } = this.#unfinished;
    this.#tornFiles.add(this.#tree.current);
    if (rest.length === 1) return this.#complete(line);
    this.torn.add(line.text.slice(0, line.text.length + 1 - rest.length));
    this.#unfinished = undefined;
  }

  /** Whether the last line of a file has no newline. */
  isTorn(path: string): boolean {
    return this.#tornFiles.has(path);
  }

  #line(isAwaited: boolean): Written {
    const word = this.#random() < 0.3 ? "quiet" : "alert";
    const size =
      this.#random() < 0.02 ? 300_000 + this.#pick(9999) : this.#pick(3) === 0 ? this.#pick(5000) : this.#pick(80);
    const start = `{"timestamp":"2026-11-21T10:00:00.000+0100","n":${this.#written.length}`;
    const text = `${start},"${word}":"${"x".repeat(size)}"}`;
    const line = { text, isAwaited: isAwaited && word === "alert", isComplete: false };
    this.#written.push(line);
    return line;
  }

  #complete(line: Written): void {
    line.isComplete = true;
    this.#unfinished = undefined;
  }

  #pick(count: number): number {
    return Math.floor(this.#random() * count);
  }
}
