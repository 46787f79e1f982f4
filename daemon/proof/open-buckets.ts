import { bucketStartMs, noBucket } from "../manifest/bucket.ts";

/** The buckets of records that may be in a topic and are in no manifest yet: these may still grow. */
export class OpenBuckets {
  readonly #counts = new Map<string, number>();
  #last = "";
  #lastCount = 0;

  /** A record is on its way. @param bucket a minute, or `none`, which never closes and is not counted */
  open(bucket: string): void {
    if (bucket === noBucket) return;
    this.#look(bucket);
    this.#lastCount += 1;
  }

  /** The record is counted for a manifest, or was refused. */
  close(bucket: string): void {
    if (bucket === noBucket) return;
    this.#look(bucket);
    this.#lastCount -= 1;
  }

  /** The first moment of the lowest one, in milliseconds since 1970; Infinity if none is open. */
  get lowestMs(): number {
    this.#look("");
    let lowest = Number.POSITIVE_INFINITY;
    for (const bucket of this.#counts.keys()) lowest = Math.min(lowest, bucketStartMs(bucket));
    return lowest;
  }

  /** Most records are of the minute that the one before was of. */
  #look(bucket: string): void {
    if (bucket === this.#last) return;
    if (this.#lastCount > 0) this.#counts.set(this.#last, this.#lastCount);
    else this.#counts.delete(this.#last);
    this.#last = bucket;
    this.#lastCount = this.#counts.get(bucket) ?? 0;
    this.#counts.delete(bucket);
  }
}
