/** Manifests are switched on over the state of the version before, off again, and on again. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createHash } from "node:crypto";
import { eventually } from "../rig/eventually.ts";
import { refereeManifests, type Judged } from "../rig/manifests/referee.ts";
import { expected, idOf, StateBefore } from "./state-before-world.ts";

const manifest = { topic: "proof", interval: "1s" };

/** @param since how many lines of the sink's file are older than the manifests */
function judge(world: StateBefore, since: number): Judged {
  const records = world.records();
  const values = records.filter(({ topic }) => topic === "proof").map(({ value }) => Buffer.from(value));
  return refereeManifests(
    values,
    records.slice(since).filter(({ topic }) => topic === "acme"),
    undefined,
  );
}

/** A copy of an alert with another id, of the same second as all of them. */
function another(number: number): string {
  return expected.ahead.replaceAll("1700000064", String(1_700_000_100 + number));
}

test("over the state of the version before, manifests account for what comes from then on; nothing is sent twice", async () => {
  await using world = await StateBefore.create();
  const before = world.sent();
  const since = world.records().length;
  world.configure({ manifest });
  const forwarder = await world.start();
  const lines = [another(1), another(2)];
  world.write(expected.ahead, ...lines);
  const ids = [...before.keys(), ...expected.open.map(idOf), ...lines.map(idOf)];
  await eventually("the new lines", () => ids.every((id) => world.sent().has(id)));
  assert.equal((await forwarder.stop()).ended, 0);
  assert.deepEqual(world.sent(), new Map([...new Set(ids)].map((id) => [id, 1])));
  const { manifests, announced } = judge(world, since);
  const own = new Set([...expected.open.map(idOf), ...lines.map(idOf)]);
  assert.ok(announced >= own.size, `${announced}`);
  assert.equal(manifests.at(-1)?.stopping, true);
});

test("without manifests the same state is read on as the version before would, and the next stream says that one was lost", async () => {
  await using world = await StateBefore.create();
  world.configure({ manifest });
  let forwarder = await world.start();
  world.write(another(1));
  await eventually("the new line", () => world.sent().has(idOf(another(1))));
  assert.equal((await forwarder.stop()).ended, 0);
  const first = judge(world, 0).manifests.at(-1);

  // The layout of before, with more members: whoever does not know them computes the same checksum.
  const file = JSON.parse(readFileSync(world.directory.join("state/checkpoint.json"), "utf8"));
  const { version, sequence, checksum, body } = file;
  assert.equal(version, 1);
  assert.ok(body.proof !== undefined);
  const rule = createHash("sha256").update(JSON.stringify([version, sequence, body]));
  assert.equal(checksum, rule.digest("hex"));
  assert.equal(readFileSync(world.directory.join("state/window.bin")).toString("latin1", 0, 8), "DFNWIND3");

  world.configure({});
  forwarder = await world.start();
  world.write(another(2));
  await eventually("the line without manifests", () => world.sent().has(idOf(another(2))));
  assert.equal((await forwarder.stop()).ended, 0);

  const since = world.records().length;
  world.configure({ manifest });
  forwarder = await world.start();
  world.write(another(3));
  await eventually("the line with manifests again", () => world.sent().has(idOf(another(3))));
  assert.equal((await forwarder.stop()).ended, 0);
  assert.deepEqual(new Set(world.sent().values()), new Set([1]));
  const { manifests } = judge(world, since);
  const stream = manifests.filter((one) => one.stream !== first?.stream);
  assert.equal(stream[0]?.succeeds?.stream, first?.stream);
  assert.equal(stream[0]?.succeeds?.reason, "lost");
  const counted = stream.reduce((sum, { lines }) => sum + lines.relevant, 0);
  assert.equal(counted, 1);
});
