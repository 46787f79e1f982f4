import { DfnError } from "../errors.ts";

/** Numbers for texts that many entries have in common: nodes, files, partitions. */
export class NumberedNames {
  readonly #numbers = new Map<string, number>();
  readonly #texts: string[] = [];
  readonly #what: string;
  readonly #max: number;

  /** @param what they are, for the error @param max how many there may be */
  constructor(what: string, max: number) {
    this.#what = what;
    this.#max = max;
  }

  /** @throws DfnError DATA if there are too many */
  number(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    if (this.#texts.length >= this.#max) {
      throw new DfnError("DATA", `there are more than ${this.#max} ${this.#what}: narrow it with --from and --to`);
    }
    this.#numbers.set(text, this.#texts.length);
    return this.#texts.push(text) - 1;
  }

  /** Undefined for a text that was not given a number. */
  find(text: string): number | undefined {
    return this.#numbers.get(text);
  }

  text(number: number): string {
    return this.#texts[number] ?? "";
  }

  get all(): readonly string[] {
    return this.#texts;
  }
}

/** What the entries of both sides refer to by number. */
export class AuditNames {
  readonly nodes = new NumberedNames("nodes", 1000);
  readonly handlers = new NumberedNames("handlers", 250);
  readonly topics = new NumberedNames("topics", 250);
  readonly files = new NumberedNames("files", 1_000_000);
  /** `topic/partition`. */
  readonly partitions = new NumberedNames("partitions", 1_000_000);
}
