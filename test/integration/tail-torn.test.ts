import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { test } from "node:test";
import type { StatusSnapshot } from "../../daemon/status/facts.ts";
import { eventually } from "../rig/eventually.ts";
import { alertLine, StatusWorld } from "./status-world.ts";

async function tailCounts(world: StatusWorld): Promise<StatusSnapshot["sources"]["tail"]> {
  const snapshot: StatusSnapshot = JSON.parse((await world.ask("/status")).body);
  return snapshot.sources.tail;
}

test("an alert that was cut before anything showed that it is relevant is a dead letter, not ignored", async () => {
  await using world = await StatusWorld.create();
  await world.start();
  const whole = alertLine(1_700_000_001);
  const torn = alertLine(1_700_000_002).slice(0, 60);
  assert.ok(!torn.includes("fail2ban"));
  // analysisd is killed, and its next start continues in the same line.
  appendFileSync(world.alertsJson, `${whole}\n${torn}`);
  await world.sentReach(1);
  world.writeLog('{"timestamp":"2023-11-14T22:13:23.000+0000","rule":{"level":3},"id":"1.3"}');
  // Somebody ended the line by hand.
  world.writeLog(torn);
  // A value that begins like an alert, as events of Suricata do, does not make the line torn.
  world.writeLog(
    '{"timestamp":"2023-11-14T22:13:23.000+0000","rule":{"level":3},"data":{"timestamp":"2023","flow_id":1}}',
  );
  const { read, ignored, deadLettered, acknowledged } = await eventually("five pieces", async () => {
    const counts = await tailCounts(world);
    return counts.read === 5 && counts.inFlight === 0 && counts;
  });
  assert.deepEqual(
    { read, ignored, deadLettered, acknowledged },
    { read: 5, ignored: 2, deadLettered: 2, acknowledged: 1 },
  );
  const listed = await world.run("dead-letter", "list", "--json");
  assert.match(listed.stdout, new RegExp(`"offset":${whole.length + 1}\\b`));
});
