/** What a log's author may write: nothing of it decides whether an alert is sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../rig/eventually.ts";
import { alertLine, StatusWorld } from "./status-world.ts";

/** An alert of a ban, with additional or different fields. */
function ban(second: number, more: Readonly<Record<string, unknown>>, data: Readonly<Record<string, unknown>>): string {
  const alert: { readonly data: object } = JSON.parse(alertLine(second));
  return JSON.stringify({ ...alert, ...more, data: { ...alert.data, ...data } });
}

test("a log that claims to be the forwarder's own is sent, and the forwarder's own event is not", async () => {
  await using world = await StatusWorld.create();
  await world.start();
  const says = { integration: "dfn", dfn: { status: "degraded" } };
  const groups = { rule: { level: 5, description: "x", id: "100", groups: ["fail2ban", "dfn"] } };
  world.writeLog(
    ban(1_763_700_001, { location: "/var/log/app.json" }, says),
    ban(1_763_700_002, { location: "/var/log/dfn" }, says),
    ban(1_763_700_003, { location: "dfn" }, says),
    ban(1_763_700_004, { location: "dfn", agent: { id: "000", name: "m" } }, { integration: "other" }),
    ban(1_763_700_005, { ...groups, location: "/var/log/x", agent: { id: "000", name: "m" } }, {}),
    ban(1_763_700_006, { location: "dfn", agent: { id: "000", name: "m" } }, says),
    ban(1_763_700_007, { location: "/var/log/app.json", agent: { id: "000", name: "m" } }, says),
    ban(1_763_700_008, {}, {}),
  );
  const ids = (): string[] => world.sent().map(({ headers }) => headers["wazuh-alert-id"] ?? "");
  await eventually("the last one", () => ids().includes("1763700008.1"));
  assert.deepEqual(
    ids(),
    [1, 2, 3, 4, 5, 7, 8].map((n) => `176370000${n}.1`),
  );
});
