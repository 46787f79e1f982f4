import assert from "node:assert/strict";
import { test } from "node:test";
import { createHandlers } from "../../../daemon/handlers/registry.ts";

const names = (settings: Parameters<typeof createHandlers>[0]): string[] =>
  createHandlers(settings).map((it) => it.name);

test("only enabled handlers are there, each under its own name", () => {
  const base = { customerId: "c", ownNetworks: [] };
  const off = { windows: undefined, fail2ban: undefined, passthrough: undefined };
  assert.deepEqual(names({ ...base, ...off }), []);
  assert.deepEqual(names({ ...base, ...off, fail2ban: {} }), ["fail2ban"]);
  assert.deepEqual(names({ ...base, windows: { eventIds: ["1"] }, fail2ban: {}, passthrough: { topic: "t" } }), [
    "windows",
    "fail2ban",
    "passthrough",
  ]);
});
