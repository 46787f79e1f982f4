import { DfnError } from "../errors.ts";
import { maxDifferentRecords, RecordSet } from "../explain/record-set.ts";

/** The records that are missing in the sink, until their lines come by again. */
export class MissingRecords {
  /** Numbers of the files that have their lines. */
  readonly files = new Set<number>();
  readonly #keys = new RecordSet();
  #count = 0;

  /** How many are still missing. */
  get count(): number {
    return this.#count;
  }

  /** @param key see `sendKey` @throws DfnError DATA if there are too many to be kept in memory */
  add(key: Buffer, file: number): void {
    if (!this.#keys.add(key)) {
      const what = `more than ${maxDifferentRecords} records are missing, too many to be sent in one run`;
      throw new DfnError("DATA", `${what}: narrow it with --from and --to`);
    }
    this.#count += 1;
    this.files.add(file);
  }

  /** One of these is there, or on its way. @returns false if none was missing */
  take(key: Buffer): boolean {
    if (!this.#keys.take(key)) return false;
    this.#count -= 1;
    return true;
  }
}
