/** What the version before this one left in its state directory is read correctly: test/data/state-before. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Pairing } from "../../daemon/pairing/pairing.ts";
import { PairingWindow } from "../../daemon/pairing/pairing-window.ts";
import { loadWindow, saveWindow } from "../../daemon/pairing/window-file.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../../daemon/sources/tail/position/checkpoint.ts";
import { wasDegraded } from "../../daemon/state/degraded-file.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import { AlertStream } from "../rig/alert-stream.ts";
import { eventually } from "../rig/eventually.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { data, expected, idOf, linesOf, StateBefore } from "./state-before-world.ts";

test("a checkpoint of the version before is valid, and would be written the same, byte for byte", () => {
  for (const name of ["checkpoint.json", "checkpoint.json.1"]) {
    const text = readFileSync(join(data, "state", name), "utf8");
    const checkpoint = decodeCheckpoint(text);
    assert.ok(checkpoint.kind === "valid");
    assert.equal(encodeCheckpoint(checkpoint.body, checkpoint.sequence), text);
  }
});

test("a pairing window of the version before has the same entries once it is taken over and saved again", async () => {
  await using directory = await TempDir.create();
  const window = await loadWindow(join(data, "state"), silentLog);
  assert.ok(window);
  const pairing = new Pairing(new PairingWindow(), { socketOnly: false });
  pairing.restore(window, 1_700_000_071); // The newest second that its checkpoint names.
  assert.equal(pairing.size, 36); // Its /status said 38, and the two open ones are not saved.
  await saveWindow(directory.path, pairing.save());
  assert.deepEqual((await loadWindow(directory.path, silentLog))?.words, window.words);
});

test("this version continues where the version before stopped: nothing is sent twice, nothing is skipped", async () => {
  await using world = await StateBefore.create();
  assert.ok(await wasDegraded(world.directory.join("state"), silentLog));
  const before = world.sent();
  const open = expected.open.map(idOf);
  assert.deepEqual([before.get(idOf(expected.ahead)), before.get(idOf(expected.late))], [1, 1]);
  assert.deepEqual(
    open.filter((id) => before.has(id)),
    [],
  );
  assert.deepEqual(await world.deadLetters(), expected.deadLetters);

  const forwarder = await world.start();
  await eventually("the open lines", () => open.every((id) => world.sent().has(id)));
  assert.deepEqual(world.sent(), new Map([...before, ...open.map((id): [string, number] => [id, 1])]));

  await using stream = await AlertStream.connect(world.directory.join("alerts.sock"));
  await stream.send(Buffer.from(`${expected.late}\n`));
  await stream.end();
  assert.deepEqual(stream.answers, [`duplicate ${idOf(expected.late)}`]);
  const last = expected.ahead.replaceAll("1700000064", "1700000099");
  world.write(expected.ahead, last);
  await eventually("the line behind", () => world.sent().has(idOf(last)));

  // The truncated archive becomes whole: its rest follows, from where the version before could not read on.
  const whole = readFileSync(join(data, "whole.json.gz"));
  copyFileSync(join(data, "whole.json.gz"), world.directory.join("ossec/logs/alerts/2023/Nov/ossec-alerts-14.json.gz"));
  const lines = [...linesOf(gunzipSync(whole)).map(idOf), ...before.keys(), ...open, idOf(last)];
  await eventually("the rest of the archive", () => lines.every((id) => world.sent().has(id)));

  const { health, sources, deadLetters } = await world.status();
  assert.deepEqual([health.state, deadLetters.entries, deadLetters.acknowledged], ["degraded", 3, 1]);
  assert.equal(sources.tail.deadLettered, 0, "what is done beyond the position is not done again");
  assert.equal(sources.tail.paired, 1);
  assert.equal((await forwarder.stop()).ended, 0);
  assert.deepEqual(world.sent(), new Map([...new Set(lines)].map((id) => [id, 1])));
  assert.deepEqual(await world.deadLetters(), expected.deadLetters);
  assert.ok(existsSync(world.directory.join("state/degraded")));
});
