/** A degradation that was reported to Wazuh outlives the process that reported it. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { DegradedFile, wasDegraded } from "../../daemon/state/degraded-file.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import { DatagramReceiver } from "../rig/datagram-receiver.ts";
import { eventually } from "../rig/eventually.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { alertLine, StatusWorld } from "./status-world.ts";

test("what was reported to Wazuh is known to the next process, and forgotten once its end was reported", async () => {
  await using dir = await TempDir.create();
  assert.equal(await wasDegraded(dir.path, silentLog), false);
  const file = new DegradedFile(dir.path, silentLog, false);
  await file.set(true);
  assert.equal(await wasDegraded(dir.path, silentLog), true);
  const next = new DegradedFile(dir.path, silentLog, true);
  await next.set(false);
  assert.equal(await wasDegraded(dir.path, silentLog), false);
  // It changes while the disk is busy: the last state counts.
  await Promise.all([file.set(false), file.set(true), file.set(false), file.set(true)]);
  assert.equal(await wasDegraded(dir.path, silentLog), true);
});

test("a link in its place is not followed", async () => {
  await using dir = await TempDir.create();
  writeFileSync(dir.join("elsewhere"), "untouched");
  symlinkSync(dir.join("elsewhere"), dir.join("degraded"));
  assert.equal(await wasDegraded(dir.path, silentLog), false);
  await new DegradedFile(dir.path, silentLog, false).set(true);
  assert.equal(readFileSync(dir.join("elsewhere"), "utf8"), "untouched");
  assert.equal(await wasDegraded(dir.path, silentLog), true);
});

test("killed while degraded, the next process ends the alert in Wazuh when all is well", async () => {
  await using world = await StatusWorld.create();
  const settings = JSON.parse(readFileSync(world.config, "utf8"));
  writeFileSync(world.config, JSON.stringify({ ...settings, wazuh: { ...settings.wazuh, feedback: "errors" } }));
  const queue = world.directory.join("ossec/queue/sockets/queue");
  mkdirSync(dirname(queue), { recursive: true });
  using receiver = new DatagramReceiver(queue);
  const events: string[] = [];
  const heard = (what: RegExp): Promise<unknown> =>
    eventually(`the event ${what}`, () => {
      for (const datagram of receiver.take()) events.push(datagram.toString());
      return events.some((event) => what.test(event));
    });
  const first = await world.start();
  world.writeLog(`${alertLine(1_700_000_002).slice(0, -1)},}`);
  await heard(/"status":"degraded".*"subject":"dead letters".*"code":"dead-letters-open"/);
  await heard(/"status":"dead-letter"/);
  await eventually("the file", () => existsSync(world.directory.join("state/degraded")));
  first.signal("SIGKILL");
  await first.end();
  await world.start();
  // A line after the last checkpoint is read again, and is a dead letter again.
  await eventually("health", async () => {
    await world.run("dead-letter", "ack", "--all");
    const { health, sources } = JSON.parse((await world.ask("/status")).body);
    return sources.tail.inFlight === 0 && health.state === "ok";
  });
  await heard(/"status":"recovered"/);
  await eventually("the file to go", () => !existsSync(world.directory.join("state/degraded")));
});
