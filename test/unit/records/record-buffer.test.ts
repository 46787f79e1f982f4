import assert from "node:assert/strict";
import { test } from "node:test";
import { headersOf, type SinkRecord } from "../../../daemon/contract.ts";
import { BatchMemory, headRoomBytes } from "../../../daemon/records/batch-memory.ts";
import { encodeRecords, RecordBuffer } from "../../../daemon/records/record-buffer.ts";
import { seededRandom } from "../../rig/random.ts";

/** Zigzag, then seven bits a byte, as Kafka's documentation has it: with numbers that do not overflow. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

function sized(bytes: Buffer | null): Buffer {
  return bytes === null ? varint(-1) : Buffer.concat([varint(bytes.length), bytes]);
}

/** The same bytes, made in the plainest way. */
function reference(records: readonly SinkRecord[]): Buffer {
  const encoded = records.map((record, index) => {
    const headers = headersOf(record);
    const body = Buffer.concat([
      Buffer.of(0, 0),
      varint(index),
      sized(record.key),
      sized(record.value),
      varint(headers.length),
      ...headers.flatMap(([name, value]) => [sized(Buffer.from(name)), sized(value)]),
    ]);
    return sized(body);
  });
  return Buffer.concat(encoded);
}

/** Makes records with all that may be in them, and now and then a large value. */
class RandomRecords {
  readonly #random: () => number;
  readonly #shared: readonly SinkRecord["headers"][];

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#shared = Array.from({ length: 5 }, (_, count) =>
      Array.from({ length: count }, () => [this.#text(30), this.#bytes(this.#upTo(300))] as const),
    );
  }

  next(): SinkRecord {
    const largest = this.#pick(0.01) ? 300_000 : this.#pick(0.5) ? 100 : 3000;
    const record = {
      key: this.#pick(0.1) ? null : this.#bytes(this.#upTo(this.#pick(0.1) ? 300 : 12)),
      value: this.#pick(0.1) ? null : this.#bytes(this.#upTo(largest)),
      headers: this.#shared[this.#upTo(4)] ?? [],
    };
    const place = this.#pick(0.8) ? { file: "/alerts.json", offset: this.#upTo(2 ** 40), length: 7 } : undefined;
    return { ...record, ...(this.#pick(0.8) && { id: this.#id() }), ...(place !== undefined && { place }) };
  }

  #id(): string {
    if (this.#pick(0.2)) return this.#text(100);
    return `${1_700_000_000 + this.#upTo(99_999_999)}.${this.#upTo(99_999)}`;
  }

  #text(longest: number): string {
    return Array.from({ length: this.#upTo(longest) }, () =>
      this.#pick(0.9) ? "a" : ["ü", "漢", "😀"][this.#upTo(2)],
    ).join("");
  }

  #bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.#upTo(255)));
  }

  #upTo(most: number): number {
    return Math.floor(this.#random() * (most + 1));
  }

  #pick(share: number): boolean {
    return this.#random() < share;
  }
}

test("records are the bytes that Kafka's documentation says, and come back as they were", () => {
  const source = new RandomRecords(3);
  const memory = new BatchMemory(900_000);
  let expectedBytes = 0;
  for (const count of [1, 2, 63, 64, 65, 300, 1, 700]) {
    const records = Array.from({ length: count }, () => source.next());
    const buffer = new RecordBuffer(memory, expectedBytes);
    for (const record of records) buffer.add(record);
    assert.equal(buffer.count, count);
    assert.ok(buffer.encoded.subarray(headRoomBytes).equals(reference(records)), `${count} records`);
    expectedBytes = buffer.encoded.length;
    const decoded = buffer.records();
    // The next one is written into the same memory.
    buffer.release();
    for (const [index, record] of records.entries()) {
      const { key, value, place } = record;
      const expected = { key, headers: headersOf(record), value, ...(place !== undefined && { place }) };
      assert.deepEqual(decoded[index], expected);
    }
  }
});

test("every length at which a varint grows is written as it should be", () => {
  for (const length of [0, 1, 23, 24, 25, 63, 64, 8191, 8192, 1_048_575, 1_048_576]) {
    const bytes = Buffer.alloc(length, 7);
    const headers = [["name", bytes]] as const;
    const records = [
      { key: bytes, value: bytes, headers, id: "i".repeat(length) },
      { key: null, value: null, headers: [] },
    ];
    assert.ok(encodeRecords(records).encoded.subarray(headRoomBytes).equals(reference(records)), `${length}`);
  }
});

function place(offset: number, file = "/log"): SinkRecord["place"] {
  return { file, offset, length: 1 };
}

function spanOf(...records: readonly Partial<SinkRecord>[]) {
  const filled = records.map((record) => ({ key: null, value: null, headers: [], ...record }));
  return encodeRecords(filled).span;
}

test("the span of records has the first and the last second of their ids, wherever the id is", () => {
  const second = 1_795_964_560;
  const inHeaders = { headers: [["wazuh-alert-id", Buffer.from(`${second - 5}.1`)]] } as const;
  const others = ["", "x", `${second}`, `${second}.`, `${second}.1x`, "12345678.1", "12345678901.1", "sha256:00"];
  const ids = [`${second}.1`, `${second + 7}.22`, ...others].map((id) => ({ id }));
  const { firstSecond, lastSecond } = spanOf(...ids, inHeaders);
  assert.deepEqual([firstSecond, lastSecond], [second - 5, second + 7]);
  for (const id of others) assert.equal(spanOf({ id }).firstSecond, undefined, id);
});

test("the span of records has the first of their places, if all are in one file", () => {
  const records = [9_000_000_000, 8, 20].map((offset) => ({ place: place(offset) }));
  assert.deepEqual(spanOf(...records).place, { file: "/log", offset: 8 });
  for (const other of [{}, { place: place(1, "/other") }, { place: place(1, "socket") }]) {
    assert.equal(spanOf(...records, other).place, undefined);
    assert.equal(spanOf(other, ...records).place, undefined);
  }
  assert.equal(spanOf({ place: place(1, "socket") }).place, undefined);
});

test("records that were released cannot be read, because others are in their memory", () => {
  const buffer = new RecordBuffer(new BatchMemory(1000), 0);
  buffer.add({ key: null, headers: [], value: Buffer.from("a") });
  buffer.release();
  buffer.release();
  assert.throws(() => buffer.records(), /outcome/);
  assert.throws(() => buffer.encoded, /outcome/);
  assert.throws(() => buffer.add({ key: null, headers: [], value: null }), /outcome/);
});
