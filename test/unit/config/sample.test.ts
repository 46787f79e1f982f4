import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleText } from "../../../daemon/config/sample.ts";
import { configOf, least, problemsOf } from "./written.ts";

const sample = sampleText();
const filled = sample
  .replace("customer_id:\n", "customer_id: acme\n")
  .replace("brokers:\n", "brokers: [kafka.example.org:9093]\n");

test("the sample lacks the two required values and nothing else", () => {
  assert.deepEqual(
    problemsOf(sample).map((line) => line.replace(/^c\.yaml:\d+: /, "")),
    ["dfn.customer_id: is missing; it is required", "sink.kafka.brokers: is missing; it is required"],
  );
  assert.deepEqual(configOf(filled), configOf(least));
});

/** Examples in the sample that are not defaults: they are off, or have no default. */
const examples = [
  /#own_network:.*\n/,
  /#tls:\n(?: {6}.*\n)+/,
  /#sasl:\n(?: {6}.*\n)+/,
  /#passthrough:\n(?: {4}.*\n)+/,
  /#hosts:.*\n/,
  /#file:.*\n/,
];

test("every default that the sample shows is the actual default", () => {
  const defaults = examples
    .reduce((text, example) => text.replace(example, "\n"), filled)
    .replaceAll(/#(?=[a-z_]+:)/g, "");
  assert.deepEqual(configOf(defaults), configOf(least));
});

test("every example that the sample shows is a valid value", () => {
  const on = filled
    .replaceAll(/ *#(?:tls|sasl|passthrough): off\n/g, "")
    .replaceAll(/#(?:file|pkcs12):.*\n/g, "")
    .replaceAll(/#(?=[a-z_]+:)/g, "");
  const { sink, handlers, dfn } = configOf(on);
  assert.ok(sink.kind === "kafka" && sink.kafka.tls?.ca.length === 1 && sink.kafka.sasl?.username === "alice");
  assert.deepEqual(handlers.passthrough?.ruleIds, ["5710", "5712"]);
  assert.equal(dfn.ownNetwork.length, 2);
});
