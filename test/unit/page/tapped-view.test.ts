import assert from "node:assert/strict";
import { test } from "node:test";
import { aboutOf, LastAlerts, type TappedView } from "../../../daemon/page/tapped-view.ts";

function tapped(id: number, verdict: string): TappedView {
  return { id: String(id), verdict, time: "2026-11-30T10:00:00.000Z", reason: "", source: "tail" };
}

test("the last ten of each verdict are kept, the newest first, however many there are of the others", () => {
  const last = new LastAlerts();
  last.take(tapped(0, "sent"));
  for (let id = 1; id <= 500; id++) last.take(tapped(id, "ignored"));
  last.take(tapped(501, "dead"));
  assert.deepEqual(
    last.newestFirst.map(({ id, verdict }) => `${id} ${verdict}`),
    ["501 dead", ...Array.from({ length: 10 }, (_, at) => `${500 - at} ignored`), "0 sent"],
  );
});

test("however many verdicts another version has, the list has an end", () => {
  const last = new LastAlerts();
  for (let id = 0; id < 5000; id++) last.take(tapped(id, `verdict ${id % 100}`));
  assert.equal(last.newestFirst.length, 80);
});

test("an alert is described by what it has: agent, rule and description", () => {
  const alert = { ...tapped(1, "sent"), agentId: "001", agentName: "web", ruleId: "5710", level: 5, description: "d" };
  assert.equal(aboutOf(alert), "agent 001 (web), rule 5710 level 5, d");
  assert.equal(aboutOf({ ...tapped(1, "sent"), agentId: "001", ruleId: "5710" }), "agent 001, rule 5710");
  assert.equal(aboutOf(tapped(1, "sent")), "");
});
