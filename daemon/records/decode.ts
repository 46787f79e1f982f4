import type { Header, SinkRecord } from "../contract.ts";

/** Reads what `RecordBuffer` wrote, one record after the other: nothing here is checked. */
export class RecordCursor {
  readonly #bytes: Buffer;
  #at = 0;

  /** @param bytes records, without head room */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /**
   * What is in front of a record's key; key, value, the number of headers, and name and value of each follow.
   * @returns where the record ends
   */
  begin(): number {
    const length = this.varint();
    const end = this.#at + length;
    this.#at += 2;
    this.varint();
    return end;
  }

  /** Passes by bytes that stand behind their length. */
  skip(): void {
    const length = this.varint();
    if (length > 0) this.#at += length;
  }

  /** Whether these bytes come next; they are passed by if so. */
  skipIf(bytes: Buffer): boolean {
    for (let index = 0; index < bytes.length; index++) if (this.#bytes[this.#at + index] !== bytes[index]) return false;
    this.#at += bytes.length;
    return true;
  }

  /** Whether the bytes up to a place are these; they are passed by if so. */
  endsWith(bytes: Buffer, end: number): boolean {
    return end - this.#at === bytes.length && this.skipIf(bytes);
  }

  /** A view of the bytes up to a place. */
  upTo(end: number): Buffer {
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  /** A view of bytes that stand behind their length; null for none. */
  sized(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  varint(): number {
    let zigzag = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[this.#at++]!;
      zigzag |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (zigzag >>> 1) ^ -(zigzag & 1);
    }
  }
}

/**
 * The records in bytes that a `RecordBuffer` holds behind its head room.
 * @returns views of `bytes`
 */
export function decodeRecords(bytes: Buffer, count: number): SinkRecord[] {
  const cursor = new RecordCursor(bytes);
  return Array.from({ length: count }, () => record(cursor));
}

function record(cursor: RecordCursor): SinkRecord {
  cursor.begin();
  const key = cursor.sized();
  const value = cursor.sized();
  const headers: Header[] = [];
  for (let left = cursor.varint(); left > 0; left--) {
    const name = cursor.sized()?.toString() ?? "";
    headers.push([name, cursor.sized() ?? Buffer.alloc(0)]);
  }
  return { key, headers, value };
}
