import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as inner from "../../../../../daemon/sinks/kafka/protocol/kafkajs-inner.ts";

const require = createRequire(import.meta.url);

test("kafkajs is the version whose internals were read", () => {
  assert.equal(require("kafkajs/package.json").version, "2.2.4");
});

test("a connection has the methods that are called", () => {
  for (const name of [
    "connect",
    "authenticate",
    "disconnect",
    "setVersions",
    "send",
    "processData",
    "rejectRequests",
  ]) {
    assert.equal(typeof Reflect.get(inner.InnerConnectionClass.prototype, name), "function", name);
  }
  assert.equal(
    typeof Reflect.get(inner.InnerConnectionClass.prototype, "setSupportAuthenticationProtocol"),
    "function",
  );
});

test("the requests that are used exist, in versions that Kafka 4 still takes", () => {
  const oldest = { Fetch: 4, ListOffsets: 1, Metadata: 0, InitProducerId: 0 } as const;
  const versions = Object.fromEntries(
    Object.values(inner.apiKeys).map((key) => [key, { minVersion: 0, maxVersion: 100 }]),
  );
  for (const api of ["Fetch", "ListOffsets", "Metadata", "InitProducerId"] as const) {
    const topics: unknown[] = [];
    const { request } = inner.lookup(versions)(inner.apiKeys[api], inner.requests[api])({ topics });
    assert.equal(request.apiKey, inner.apiKeys[api]);
    assert.equal(typeof request.encode, "function");
    assert.ok(request.apiVersion >= oldest[api], `${api} ${request.apiVersion}`);
  }
});

test("what a request's encoding needs is what kafkajs reads from it", async () => {
  const createRequest = require("kafkajs/src/protocol/request.js");
  const bytes = Buffer.from("payload");
  const encoded = await createRequest({
    correlationId: 7,
    clientId: "me",
    request: { apiKey: 0, apiVersion: 7, encode: async () => ({ buf: bytes, buffer: bytes }) },
  });
  const wire: Buffer = encoded.buffer;
  assert.equal(wire.readInt32BE(0), wire.length - 4);
  assert.equal(wire.subarray(-bytes.length).toString(), "payload");
});

test("error codes have Kafka's names, including new and unknown ones", () => {
  assert.equal(inner.errorName(6), "NOT_LEADER_FOR_PARTITION");
  assert.equal(inner.errorName(90), "PRODUCER_FENCED");
  assert.equal(inner.errorName(4711), "ERROR_4711");
});
