import type { FoundValue, FoundValues, Shipped } from "../contract.ts";

/**
 * The records that the look-up after a crash has found, by `lookupKey`, and who has used them. A line that got its outcome
 * before the last stop has a record among them, which must not count for another line with the same id and content.
 * Which of the lines with one key a record was made of does not matter, since they are the same; their number does.
 */
export class FoundRecords {
  /** Undefined until the look-up is over. */
  #left: Shipped | undefined;
  /** How they are written, as far as they are left. */
  #values: FoundValues | undefined;
  /** Keys of done lines that came by before it was. */
  #doneKeys: string[] = [];
  /** Keys of which lines without an outcome have used the last record, and how many they have used. */
  readonly #used = new Map<string, number>();

  /** The look-up is over. */
  begin(found: Shipped | undefined, values?: FoundValues): void {
    this.#left = found ?? new Map();
    this.#values = values;
    for (const key of this.#doneKeys.splice(0)) if (this.#take(key)) this.#values?.get(key)?.pop();
  }

  /**
   * The tail has passed everything that an earlier process may have sent.
   * @returns the records that no line has used, if it is known how they are written
   */
  end(): FoundValues {
    const left: FoundValues = new Map();
    for (const [key, values] of this.#values ?? []) if (values.length > 0) left.set(key, values);
    this.#left?.clear();
    this.#values = undefined;
    this.#used.clear();
    return left;
  }

  /** Whether a record covers a line without an outcome; it is then used. @param key called only if needed */
  use(key: () => string): boolean {
    if (this.#left === undefined || this.#left.size === 0) return false;
    const asked = key();
    if (!this.#take(asked)) return false;
    this.#used.set(asked, (this.#used.get(asked) ?? 0) + 1);
    return true;
  }

  /** The same, with how the record is written. @returns undefined if none covers the line */
  useValue(key: () => string): { readonly value: FoundValue | undefined } | undefined {
    let asked = "";
    if (!this.use(() => (asked = key()))) return undefined;
    return { value: this.#values?.get(asked)?.pop() };
  }

  /**
   * A done line comes by. @returns false if its record covers another line by now: it must be sent again
   */
  done(key: string): boolean {
    if (this.#left === undefined) {
      this.#doneKeys.push(key);
      return true;
    }
    if (this.#take(key)) {
      this.#values?.get(key)?.pop();
      return true;
    }
    const used = this.#used.get(key) ?? 0;
    if (used <= 1) this.#used.delete(key);
    else this.#used.set(key, used - 1);
    return used === 0;
  }

  #take(key: string): boolean {
    const count = this.#left?.get(key) ?? 0;
    if (count <= 1) this.#left?.delete(key);
    else this.#left?.set(key, count - 1);
    return count > 0;
  }
}
