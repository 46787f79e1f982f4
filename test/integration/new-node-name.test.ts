import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { eventually } from "../rig/eventually.ts";
import { alertLine, StatusWorld } from "./status-world.ts";

/** An alert of a node; each second is another alert. */
function lineOf(node: string, second: number): string {
  return JSON.stringify({ ...JSON.parse(alertLine(1_795_262_400 + second)), cluster: { name: "wazuh", node } });
}

test("killed right after the first record under a new node name, it leaves a checkpoint with that name: the look-up counts the record", async () => {
  await using world = await StatusWorld.create();
  const path = world.directory.join("state/checkpoint.json");
  const hasName = (name: string): boolean => existsSync(path) && readFileSync(path, "utf8").includes(`"${name}"`);
  const forwarder = await world.start();
  world.writeLog(lineOf("worker-1", 0));
  await world.sentReach(1);
  assert.ok(hasName("worker-1"), "the first name");
  const passed = `"offset":${lineOf("worker-1", 0).length + 1},`;
  await eventually("a checkpoint past the first alert", () => readFileSync(path, "utf8").includes(passed));
  world.writeLog(lineOf("worker-2", 1), lineOf("worker-1", 2));
  await world.sentReach(3);
  forwarder.signal("SIGKILL");
  await forwarder.end();
  assert.ok(hasName("worker-2"), "the second name");
  assert.deepEqual(
    world.sent().map(({ headers }) => headers["wazuh-node"]),
    ["worker-1", "worker-2", "worker-1"],
  );
});
