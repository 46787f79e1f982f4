import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Alert } from "../../../daemon/alert/alert.ts";
import { createHandlers } from "../../../daemon/handlers/registry.ts";
import { Relevance } from "../../../daemon/delivery/relevance.ts";
import { defaultEventIds } from "../../../daemon/handlers/windows.ts";

interface Case {
  tag: string;
  own_network: string | null;
  alert: unknown;
  expected: unknown[];
}

/** What the Python daemon made of these alerts. */
const cases = readFileSync("test/data/wire/wire.jsonl", "utf8")
  .trimEnd()
  .split("\n")
  .map((line): Case => JSON.parse(line));

/** `ascii`: every other character escaped, as Python's json.dumps does by default. */
const writings: Record<string, (text: string) => string> = {
  "as UTF-8": (text) => text,
  "as ASCII": (text) => text.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
};

for (const [name, write] of Object.entries(writings)) {
  for (const [index, { tag, own_network: ownNetwork, alert, expected }] of cases.entries()) {
    test(`golden case ${index + 1} (${tag}, own network ${ownNetwork}) written ${name} gives the record of the Python daemon`, () => {
      const handlers = createHandlers(
        { customerId: "wire", ownNetwork: ownNetwork === null ? [] : [ownNetwork] },
        {
          windows: { eventIds: defaultEventIds },
          fail2ban: {},
          passthrough: undefined,
        },
      );
      const bytes = Buffer.from(write(JSON.stringify(alert)));
      const records = handlers.flatMap((handler) => handler.record(Alert.parse(bytes)) ?? []);
      const values = records.map(({ value }): unknown => JSON.parse(value.toString("utf8")));
      assert.deepEqual(values, expected);
      assert.ok(records.every(({ topic }) => topic === "wire"));
      if (expected.length > 0) {
        assert.ok(new Relevance(handlers.flatMap((handler) => handler.needles)).matches(bytes));
      }
    });
  }
}
