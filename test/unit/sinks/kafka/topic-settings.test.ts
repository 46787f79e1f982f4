import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeDescribeConfigs, encodeDescribeConfigs } from "../../../../daemon/sinks/kafka/topic-settings.ts";

const int8 = (value: number): Buffer => Buffer.from([value]);
const int16 = (value: number): Buffer => Buffer.from([(value >> 8) & 0xff, value & 0xff]);
const int32 = (value: number): Buffer => Buffer.from([0, 0, (value >> 8) & 0xff, value & 0xff]);
const text = (value: string | null): Buffer =>
  value === null ? int16(-1) : Buffer.concat([int16(value.length), Buffer.from(value)]);

function setting(name: string, value: string | null, synonyms: readonly Buffer[] = []): Buffer {
  return Buffer.concat([text(name), text(value), int8(0), int8(5), int8(0), int32(synonyms.length), ...synonyms]);
}

function answer(topic: string, code: number, settings: readonly Buffer[]): Buffer {
  const head = [int32(7), int32(1), int16(code), text(code === 0 ? null : "no"), int8(2), text(topic)];
  return Buffer.concat([...head, int32(settings.length), ...settings]);
}

test("an answer is read with null values and synonyms, and is only taken for the topic that was asked about", () => {
  const synonym = Buffer.concat([text("log.retention.ms"), text(null), int8(4)]);
  const bytes = answer("t", 0, [setting("retention.ms", "5", [synonym]), setting("secret", null), setting("a", "b")]);
  const settings = new Map([
    ["retention.ms", "5"],
    ["a", "b"],
  ]);
  const found = decodeDescribeConfigs(bytes, "t");
  assert.deepEqual([found?.code, found?.settings], [0, settings]);
  assert.equal(decodeDescribeConfigs(bytes, "other"), undefined);
  assert.equal(decodeDescribeConfigs(answer("t", 29, []), "t")?.code, 29);
});

test("an answer that ends early, or claims to hold more than it does, is an error and nothing worse", () => {
  const bytes = answer("t", 0, [setting("retention.ms", "5")]);
  for (let end = 0; end < bytes.length; end++) {
    assert.throws(() => decodeDescribeConfigs(bytes.subarray(0, end), "t"), RangeError, `${end} bytes`);
  }
  const many = Buffer.concat([int32(0), Buffer.from([0x7f, 0xff, 0xff, 0xff])]);
  assert.throws(() => decodeDescribeConfigs(many, "t"), RangeError);
});

test("the request names the topic and the requested settings", () => {
  const bytes = encodeDescribeConfigs("acme");
  assert.ok(bytes.subarray(0, 11).equals(Buffer.concat([int32(1), int8(2), text("acme")])));
  assert.ok(bytes.includes("min.insync.replicas"));
  assert.equal(bytes.at(-1), 0);
});
