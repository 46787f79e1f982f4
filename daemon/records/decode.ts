import type { Header, SinkRecord } from "../contract.ts";

/** Reads what `RecordBuffer` wrote: nothing here is checked. */
class RecordCursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  record(): SinkRecord {
    this.#varint();
    this.#at += 2;
    this.#varint();
    const key = this.#sized();
    const value = this.#sized();
    const headers: Header[] = [];
    for (let left = this.#varint(); left > 0; left--) {
      const name = this.#sized()?.toString() ?? "";
      headers.push([name, this.#sized() ?? Buffer.alloc(0)]);
    }
    return { key, headers, value };
  }

  #sized(): Buffer | null {
    const length = this.#varint();
    if (length < 0) return null;
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #varint(): number {
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
  return Array.from({ length: count }, () => cursor.record());
}
