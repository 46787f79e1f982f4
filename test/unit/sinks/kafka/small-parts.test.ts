import assert from "node:assert/strict";
import { test } from "node:test";
import * as zlib from "node:zlib";
import type { SinkRecord } from "../../../../daemon/contract.ts";
import { encodeRecords } from "../../../../daemon/records/record-buffer.ts";
import { formatBrokerAddress, parseBrokerAddress } from "../../../../daemon/sinks/kafka/connection/broker-address.ts";
import { KafkaConditions } from "../../../../daemon/sinks/kafka/connection/conditions.ts";
import { Backoff } from "../../../../daemon/sinks/kafka/connection/backoff.ts";
import {
  assertAvailable,
  codecNumbers,
  compress,
  decompress,
} from "../../../../daemon/sinks/kafka/protocol/compression.ts";
import { SealedBatch, PendingWrite } from "../../../../daemon/sinks/kafka/producer/sealed-batch.ts";
import { classifyCode } from "../../../../daemon/sinks/kafka/protocol/errors.ts";
import { AppendedSearch } from "../../../../daemon/sinks/kafka/producer/appended-search.ts";
import { silentLog } from "../../../../daemon/telemetry/log.ts";

test("addresses are read with names, IPv4 and IPv6, and written as they were", () => {
  for (const text of ["kafka.example.org:443", "127.0.0.1:9092", "[2001:db8::1]:9093"]) {
    assert.equal(formatBrokerAddress(parseBrokerAddress(text)), text);
  }
  assert.deepEqual(parseBrokerAddress("[::1]:9092"), { host: "::1", port: 9092 });
});

for (const text of ["kafka", "kafka:", "kafka:0", "kafka:65536", "::1:9092", "a b:1", "", "http://kafka:9092"]) {
  test(`"${text}" is not an address`, () => {
    assert.throws(() => parseBrokerAddress(text), { name: "DfnError", code: "CONFIG" });
  });
}

test("the delay grows from 100 ms to 1 s and is reset after a success", () => {
  const backoff = new Backoff();
  const waits = Array.from({ length: 8 }, () => backoff.nextMs());
  assert.ok(
    waits.every((wait) => wait >= 80 && wait <= 1000),
    waits.join(),
  );
  assert.ok((waits[0] ?? 0) <= 100 && (waits.at(-1) ?? 0) >= 800, waits.join());
  backoff.reset();
  assert.ok(backoff.nextMs() <= 100);
});

test("a trouble is logged once, then once a minute, and its end is logged", () => {
  const said: string[] = [];
  const note = (level: string) => (_fields: unknown, text?: string) => said.push(`${level} ${text}`);
  let now = 1000;
  const log = { ...silentLog, error: note("error"), warn: note("warn"), info: note("info") };
  const conditions = new KafkaConditions(log, () => now);
  for (let second = 0; second < 61; second++) {
    conditions.raise("topic t", classifyCode(29));
    now += 1000;
  }
  conditions.raise("Kafka", classifyCode(6));
  assert.deepEqual(
    conditions.lasting.map(({ subject }) => subject),
    ["topic t", "Kafka"],
  );
  conditions.clear("topic t");
  conditions.clear("topic t");
  conditions.clear("another");
  assert.equal(said.length, 4, said.join("\n"));
  assert.match(said[0] ?? "", /^error topic t: TOPIC_AUTHORIZATION_FAILED; grant .* Write and Describe/);
  assert.match(said[1] ?? "", /^error topic t/);
  assert.match(said[2] ?? "", /^warn Kafka: NOT_LEADER/);
  assert.match(said[3] ?? "", /^info topic t: works again after 61.0 s/);
  assert.equal(conditions.last?.subject, "Kafka");
});

function alert(id: string, value: string): SinkRecord {
  return {
    key: null,
    value: Buffer.from(value),
    headers: [
      ["wazuh-alert-id", Buffer.from(id)],
      ["wazuh-node", Buffer.from("n")],
      ["wazuh-dfn-handler", Buffer.from("windows")],
      ["wazuh-dfn-source", Buffer.from("file")],
    ],
  };
}

function stored(offset: number, record: SinkRecord) {
  return { offset, ...record };
}

test("a record found in the log counts for one that was sent, equal ones as often as they are there", () => {
  const records = [alert("1", "a"), alert("2", "b"), alert("1", "a"), alert("1", "other")];
  const entries = [
    new SealedBatch(new PendingWrite(2), encodeRecords(records.slice(0, 2)), "none"),
    new SealedBatch(new PendingWrite(2), encodeRecords(records.slice(2)), "none", [2, 3]),
  ];
  const search = new AppendedSearch(entries);
  search.visit(stored(40, alert("9", "a")));
  search.visit(stored(41, alert("1", "a")));
  search.visit(stored(42, { ...alert("1", "other"), headers: alert("1", "x").headers.slice(0, 3) }));
  search.visit(stored(43, alert("1", "changed")));
  const found = [...search.found].map(([{ index }, offset]) => [index, offset]);
  assert.deepEqual(found, [
    [0, 41],
    [3, 42],
  ]);
  search.visit(stored(44, alert("1", "a")));
  search.visit(stored(45, alert("1", "a")));
  assert.deepEqual([...search.found.values()], [41, 42, 44]);
});

test("zstd is offered if the runtime has it, and otherwise refused with the remedy", async () => {
  const hasZstd = "zstdCompress" in (await import("node:zlib"));
  if (hasZstd) assertAvailable("zstd");
  else assert.throws(() => assertAvailable("zstd"), { code: "CONFIG", message: /Node 22.15.*gzip/ });
  assertAvailable("gzip");
});

test("batches of every size are compressed to what gives them back, small ones without the thread pool", async () => {
  const codecs = Reflect.get(zlib, "zstdCompress") === undefined ? (["gzip"] as const) : (["gzip", "zstd"] as const);
  for (const codec of codecs) {
    for (const [bytes, isSmall] of [
      [0, true],
      [1, true],
      [16 * 1024 - 1, true],
      [16 * 1024, false],
      [900_000, false],
    ] as const) {
      const plain = Buffer.from(Array.from({ length: bytes }, (_, at) => (at * at) % 251));
      const compressing = compress(codec, plain);
      const isDone = await Promise.race([compressing.then(() => true), Promise.resolve().then(() => false)]);
      assert.equal(isDone, isSmall, `${bytes} bytes, ${codec}`);
      const packed = await compressing;
      assert.deepEqual(await decompress(codecNumbers[codec], packed, Math.max(bytes, 1)), plain);
    }
  }
});

test("what cannot be decompressed is named, never taken for an empty batch", async () => {
  await assert.rejects(decompress(7, Buffer.from("x"), 100), { name: "MissingCodec" });
  await assert.rejects(decompress(1, Buffer.from("no gzip"), 100), { name: "RangeError" });
});
