/** Short ways to write a configuration and to state what came of it. */
import assert from "node:assert/strict";
import type { Config } from "../../../daemon/config/schema.ts";
import { inspectText, type Written } from "../../../daemon/config/inspect.ts";
import { problemLine } from "../../../daemon/config/values/problem.ts";

/** The minimal configuration. */
export const least = "dfn: { customer_id: acme }\nsink: { kafka: { brokers: [kafka.example.org:9093] } }\n";

type Other = Partial<Omit<Written, "text">>;

export function configOf(text: string, other: Other = {}): Config {
  const { config, problems } = inspectText({ text, file: "c.yaml", env: {}, sets: [], ...other });
  assert.deepEqual(problems.map(problemLine), []);
  assert.ok(config !== undefined);
  return config;
}

/** The lines of a configuration that must be wrong. */
export function problemsOf(text: string, other: Other = {}): string[] {
  const { config, problems } = inspectText({ text, file: "c.yaml", env: {}, sets: [], ...other });
  assert.equal(config, undefined);
  return problems.map(problemLine);
}
