import assert from "node:assert/strict";
import { test } from "node:test";
import { type DescribedSetting, describedSettings } from "../../../daemon/config/described.ts";
import { flowText, sampleText } from "../../../daemon/config/sample.ts";
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

/** A section that is off by default: a line that says so, and an example of the section below it. */
const offSection = /^( *)#([a-z_]+): off\n\1#\2:\n(?:\1 {2}.*\n)+/gm;

/** The lines that show an example of a setting without default, but for their indentation. */
function exampleLines(settings: readonly DescribedSetting[]): string[] {
  return settings.flatMap(({ name, example, settings: inner }) => [
    ...(example === undefined ? [] : [`#${name}: ${flowText(example)}`]),
    ...exampleLines(inner ?? []),
  ]);
}

test("every default that the sample shows is the actual default", () => {
  const examples = exampleLines(describedSettings());
  const defaults = filled
    .replaceAll(offSection, "")
    .split("\n")
    .filter((line) => !examples.includes(line.trim()))
    .join("\n")
    .replaceAll(/#(?=[a-z_]+:)/g, "");
  assert.deepEqual(configOf(defaults), configOf(least));
});

test("every example that the sample shows is a valid value", () => {
  const sinks = describedSettings().find(({ name }) => name === "sink")?.settings ?? [];
  // There can only be one sink, and a certificate in one form.
  const others = [...sinks.map(({ name }) => name).filter((name) => name !== "kafka"), "pkcs12"].join("|");
  const on = filled
    .replaceAll(offSection, (section) => section.replace(/^.*\n/, ""))
    .replaceAll(new RegExp(`#(?:${others}):.*\\n`, "g"), "")
    .replaceAll(/#(?=[a-z_]+:)/g, "");
  const { sink, handlers, dfn } = configOf(on);
  for (const [name, settings] of Object.entries(handlers)) assert.ok(settings !== undefined, `${name} is off`);
  assert.ok(sink.kind === "kafka" && sink.kafka.tls?.ca.length === 1 && sink.kafka.sasl?.username === "alice");
  assert.deepEqual(handlers.passthrough?.ruleIds, ["5710", "5712"]);
  assert.equal(dfn.ownNetwork.length, 2);
});

test("every setting is described, and the sample has a default or an example of it", () => {
  const check = (settings: readonly DescribedSetting[], prefix: string): void => {
    for (const { name, description, isRequired, preset, example, settings: inner } of settings) {
      assert.ok(description.length > 8, `${prefix}${name} has no description`);
      if (inner !== undefined) check(inner, `${prefix}${name}.`);
      else assert.ok(isRequired || preset !== undefined || example !== undefined, `${prefix}${name} has no example`);
    }
  };
  check(describedSettings(), "");
});
