import assert from "node:assert/strict";
import { test } from "node:test";
import errors from "kafkajs/src/errors.js";
import createRetry from "kafkajs/src/retry/index.js";
import {
  classifyCode,
  classifyError,
  KafkaError,
  type ErrorKind,
} from "../../../../../daemon/sinks/kafka/protocol/errors.ts";

/** Every code of Kafka 4.1 that a produce answer can hold, and what has to happen. */
const kinds: readonly [code: number, name: string, kind: ErrorKind, mayBeAppended: boolean][] = [
  [-1, "UNKNOWN", "retry", true],
  [2, "CORRUPT_MESSAGE", "corrupt", false],
  [3, "UNKNOWN_TOPIC_OR_PARTITION", "retry", false],
  [5, "LEADER_NOT_AVAILABLE", "retry", false],
  [6, "NOT_LEADER_FOR_PARTITION", "retry", false],
  [7, "REQUEST_TIMED_OUT", "retry", true],
  [8, "BROKER_NOT_AVAILABLE", "retry", false],
  [10, "MESSAGE_TOO_LARGE", "too-large", false],
  [13, "NETWORK_EXCEPTION", "retry", true],
  [17, "INVALID_TOPIC_EXCEPTION", "retry", false],
  [18, "RECORD_LIST_TOO_LARGE", "too-large", false],
  [19, "NOT_ENOUGH_REPLICAS", "retry", false],
  [20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", "retry", true],
  [21, "INVALID_REQUIRED_ACKS", "retry", false],
  [29, "TOPIC_AUTHORIZATION_FAILED", "retry", false],
  [31, "CLUSTER_AUTHORIZATION_FAILED", "retry", false],
  [32, "INVALID_TIMESTAMP", "timestamp", false],
  [35, "UNSUPPORTED_VERSION", "retry", false],
  [43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", "retry", false],
  [45, "OUT_OF_ORDER_SEQUENCE_NUMBER", "gap", false],
  [46, "DUPLICATE_SEQUENCE_NUMBER", "duplicate", false],
  [47, "INVALID_PRODUCER_EPOCH", "fenced", false],
  [56, "KAFKA_STORAGE_ERROR", "retry", true],
  [59, "UNKNOWN_PRODUCER_ID", "fenced", false],
  [74, "FENCED_LEADER_EPOCH", "retry", false],
  [76, "UNSUPPORTED_COMPRESSION_TYPE", "retry", false],
  [87, "INVALID_RECORD", "invalid", false],
  [90, "PRODUCER_FENCED", "fenced", false],
  [1234, "ERROR_1234", "retry", true],
];

for (const [code, name, kind, mayBeAppended] of kinds) {
  test(`${name} means ${kind}${mayBeAppended ? ", and the records may be stored" : ""}`, () => {
    const fault = classifyCode(code);
    assert.equal(fault.kind, kind);
    assert.equal(fault.mayBeAppended, mayBeAppended);
    assert.match(fault.text, new RegExp(name));
  });
}

test("only an error about a record itself is ever a reason to refuse it", () => {
  for (let code = -1; code <= 150; code++) {
    const { kind } = classifyCode(code);
    const isRefusal = kind === "too-large" || kind === "invalid" || kind === "corrupt";
    assert.equal(isRefusal, [2, 10, 18, 87].includes(code), `code ${code}`);
  }
});

test("an outage is retried although kafkajs, out of retries, calls it not retriable", async () => {
  const retry = createRetry({ retries: 1, initialRetryTime: 1, maxRetryTime: 1, factor: 0, multiplier: 1 });
  const reason: unknown = await retry(async () => {
    throw new errors.KafkaJSConnectionError("Connection error: connect ECONNREFUSED", { code: "ECONNREFUSED" });
  }).catch((thrown: unknown) => thrown);
  assert.ok(reason instanceof Error && "retriable" in reason);
  assert.equal(reason.name, "KafkaJSNumberOfRetriesExceeded");
  assert.equal(reason.retriable, false);
  const fault = classifyError(reason);
  assert.equal(fault.kind, "retry");
  assert.equal(fault.category, "unreachable");
  assert.equal(fault.mayBeAppended, true);
});

test("a wrong password inside another error is found and reported", () => {
  const inner = new errors.KafkaJSSASLAuthenticationError("SASL PLAIN authentication failed: Authentication failed");
  const fault = classifyError(new Error("could not connect", { cause: inner }));
  assert.equal(fault.kind, "retry");
  assert.equal(fault.category, "authentication");
});

const certificateErrors = [
  new errors.KafkaJSConnectionError("Connection error: self-signed certificate in certificate chain", {
    code: "SELF_SIGNED_CERT_IN_CHAIN",
  }),
  new errors.KafkaJSConnectionError("Connection error: certificate has expired", { code: "CERT_HAS_EXPIRED" }),
  new errors.KafkaJSConnectionError("Connection error: Hostname/IP does not match certificate's altnames", {
    code: "ERR_TLS_CERT_ALTNAME_INVALID",
  }),
  new errors.KafkaJSConnectionError("Connection error: write EPROTO sslv3 alert bad certificate: SSL alert number 42"),
];
for (const reason of certificateErrors) {
  test(`points to the certificates: ${reason.message}`, () => {
    assert.equal(classifyError(new Error("the connection was closed", { cause: reason })).category, "certificate");
  });
}

test("a broker's error code that was thrown keeps its category and is never a verdict on records", () => {
  const fault = classifyError(new KafkaError(29, "asking for offsets of t/0"));
  assert.equal(fault.category, "topic-authorization");
  assert.equal(fault.kind, "retry");
  assert.equal(classifyError(new KafkaError(10, "x")).kind, "retry");
});

test("any other thrown error is retried", () => {
  for (const odd of [undefined, null, 7, "text", {}, [], new TypeError("bug")]) {
    assert.equal(classifyError(odd).kind, "retry");
  }
});
