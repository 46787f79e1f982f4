/** One thing that is fed with hostile input. */
export interface Target {
  readonly name: string;
  /** What the mutations begin with, in addition to the corpus. */
  readonly seeds: readonly Buffer[];
  /** Pieces that mean something here. */
  readonly words: readonly string[];
  /** Inputs of the short run in `npm test`. */
  readonly testInputs: number;
  open(): Subject | Promise<Subject>;
}

/** A target at work. */
export interface Subject {
  /**
   * Feeds one input and judges the result. Depends on nothing but the input, so that a failure repeats.
   * @returns in a word what became of it; an input with a new answer is kept for further mutations
   * @throws when a promise is broken
   */
  judge(input: Buffer): string | Promise<string>;
  /** Only the product's own work on an input, if its steps can be counted; what it throws means nothing. */
  work?(input: Buffer): unknown;
  close?(): Promise<void>;
}
