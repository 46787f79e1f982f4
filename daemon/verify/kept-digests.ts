import { digestBytes } from "../manifest/record-digest.ts";
import { idSecond } from "../alert/id-second.ts";

/** Digest, place among the alerts of its hour, flag. */
const rowBytes = digestBytes + 8 + 1;
const firstRows = 4;
/** Offsets in the manager's log of a day beyond 2 TiB are treated alike. */
const offsetRange = 2 ** 41;

/** A record of a bucket, as it was seen. */
export interface KeptDigest {
  readonly digest: Buffer;
  readonly isReplay: boolean;
  /** Orders the records of an hour as their alerts are in the log. */
  readonly place: number;
}

/** The digests of the records of one bucket, in 41 bytes each, in the order in which they were read. */
export class KeptDigests {
  count = 0;
  #rows = Buffer.alloc(firstRows * rowBytes);

  /** @param id of the alert, by which records are in the order of the log */
  add(digest: Buffer, id: string, isReplay: boolean): void {
    if (this.#rows.length < (this.count + 1) * rowBytes) {
      const larger = Buffer.alloc(this.#rows.length * 2);
      this.#rows.copy(larger);
      this.#rows = larger;
    }
    const at = this.count * rowBytes;
    digest.copy(this.#rows, at);
    this.#rows.writeDoubleBE(placeOf(id), at + digestBytes);
    this.#rows.writeUInt8(isReplay ? 1 : 0, at + digestBytes + 8);
    this.count += 1;
  }

  /** As they were read. */
  all(): readonly KeptDigest[] {
    return Array.from({ length: this.count }, (_, row) => this.#at(row));
  }

  #at(row: number): KeptDigest {
    const at = row * rowBytes;
    return {
      digest: this.#rows.subarray(at, at + digestBytes),
      isReplay: this.#rows.readUInt8(at + digestBytes + 8) === 1,
      place: this.#rows.readDoubleBE(at + digestBytes),
    };
  }
}

/** Orders the alerts of an hour: `<second>.<offset>`. */
function placeOf(id: string): number {
  const second = idSecond(id);
  if (second < 0) return 0;
  const offset = Number(id.slice(id.indexOf(".") + 1));
  return (second % 3600) * offsetRange + Math.min(offset, offsetRange - 1);
}
