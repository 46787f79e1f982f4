import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { lookupKey, type FoundValue } from "../../../daemon/contract.ts";
import { ShipmentAccount } from "../../../daemon/delivery/shipment-account.ts";
import { readManifest } from "../../../daemon/manifest/read-manifest.ts";
import type { Manifest } from "../../../daemon/manifest/manifest.ts";
import { isSignedBy, publicPart } from "../../../daemon/manifest/signature.ts";
import { Proof, type LoadedProof, type ProofSetup } from "../../../daemon/proof/proof.ts";
import type { StreamPlace } from "../../../daemon/proof/speaker.ts";
import { silentLog } from "../../../daemon/telemetry/log.ts";
import { newKey } from "../../rig/manifests/node-writer.ts";
import { TempDir } from "../../rig/temp-dir.ts";
import type { CountedRecord } from "../../../daemon/proof/contribution.ts";

const here: StreamPlace = { machine: "m", directory: "1" };

/** A forwarder's proof, whose checkpoints are written at once. */
class Machine {
  readonly directory: TempDir;
  readonly proof: Proof;
  /** Of the last checkpoint, as it is on disk. */
  saved: unknown;
  nowMs: number;

  private constructor(directory: TempDir, some: Partial<ProofSetup>, nowMs: number) {
    this.directory = directory;
    this.nowMs = nowMs;
    this.proof = new Proof({
      node: "north",
      place: () => here,
      keys: { current: undefined, next: undefined },
      intervalMs: 60_000,
      software: "a test",
      settings: { dfn: {}, handlers: {} },
      config: "c".repeat(64),
      stateDir: directory.path,
      log: silentLog,
      now: () => this.nowMs,
      ...some,
    });
  }

  static async start(
    directory: TempDir,
    loaded: LoadedProof = { kind: "newest", saved: undefined, parts: [] },
    some: Partial<ProofSetup> = {},
  ): Promise<Machine> {
    const machine = new Machine(directory, some, 0);
    await machine.proof.resume(loaded);
    return machine;
  }

  /** Writes a checkpoint. @returns whether a manifest waits to be sent that was not there before */
  checkpoint(isWritten = true): void {
    const saving = this.proof.save(undefined);
    const body: unknown = JSON.parse(JSON.stringify(saving.body()));
    if (!isWritten) return;
    this.saved = body;
    saving.stored();
  }

  async head(): Promise<Manifest> {
    const reading = readManifest(await this.proof.headValue());
    assert.ok(reading.kind === "manifest", JSON.stringify(reading));
    return reading.manifest;
  }

  /** The manifest that is sent next is in the topic. */
  async sent(): Promise<Manifest> {
    const manifest = await this.head();
    const { head } = this.proof;
    assert.ok(head !== undefined);
    await this.proof.done(head);
    return manifest;
  }
}

test("nothing is cut before it is known what the topic has, and nothing is sent before it is on disk", async () => {
  await using directory = await TempDir.create();
  const machine = await Machine.start(directory);
  machine.checkpoint();
  assert.equal(machine.proof.waiting, 0);
  machine.proof.decide([]);
  machine.checkpoint(false);
  assert.equal(machine.proof.waiting, 1);
  assert.equal(machine.proof.head, undefined);
  machine.checkpoint();
  const first = await machine.sent();
  assert.deepEqual([first.sequence, first.previous, first.succeeds], [1, null, undefined]);
});

test("a manifest comes each interval, also when nothing happens, and follows the one before", async () => {
  await using directory = await TempDir.create();
  const machine = await Machine.start(directory);
  machine.proof.decide([]);
  machine.checkpoint();
  const first = await machine.head();
  const value = await machine.proof.headValue();
  await machine.sent();
  machine.nowMs += 30_000;
  machine.checkpoint();
  assert.equal(machine.proof.waiting, 0);
  machine.nowMs += 30_000;
  machine.checkpoint();
  const second = await machine.sent();
  const reading = readManifest(value);
  assert.deepEqual([second.sequence, second.stream], [2, first.stream]);
  assert.equal(second.previous, reading.kind === "manifest" ? reading.hash : undefined);
});

test("after a crash the same bytes are sent, and the stream goes on", async () => {
  await using directory = await TempDir.create();
  const machine = await Machine.start(directory);
  machine.proof.decide([]);
  machine.proof.account.ignored(5);
  machine.checkpoint();
  const value = await machine.proof.headValue();
  machine.proof.account.ignored(3);
  machine.checkpoint();
  machine.proof.account.ignored(100);
  const next = await Machine.start(directory, { kind: "newest", saved: machine.saved, parts: [] });
  next.proof.decide([]);
  assert.deepEqual(await next.proof.headValue(), value);
  await next.sent();
  next.checkpoint();
  const second = await next.sent();
  assert.deepEqual([second.sequence, second.lines.total], [2, 3]);
});

test("while the topic is away a full stretch is cut, and each manifest but the newest is in a file", async () => {
  await using directory = await TempDir.create();
  let machine = await Machine.start(directory);
  machine.proof.decide([]);
  machine.checkpoint();
  const of = { topic: "t", handler: "h", node: "north", id: "1700000000.1" };
  let line = 0;
  for (let round = 0; round < 3; round++) {
    const record = machine.proof.account.found(of, hash("sha256", "v", "hex"), false);
    assert.ok(record !== undefined);
    for (let more = 0; more < 20_000; more++)
      machine.proof.account.note(line++, { kind: "relevant", salvaged: 0, records: [record], dead: [] });
    machine.proof.account.passed(line);
    const { waiting } = machine.proof;
    while (machine.proof.waiting === waiting) {
      machine.nowMs += 60_000;
      machine.checkpoint();
      await new Promise((resolve) => setImmediate(resolve));
    }
    machine.checkpoint();
  }
  machine = await Machine.start(directory, { kind: "newest", saved: machine.saved, parts: [] });
  const counts = [];
  while (machine.proof.waiting > 0) {
    const { sequence, lines } = await machine.sent();
    counts.push([sequence, lines.relevant]);
  }
  assert.deepEqual(counts, [
    [1, 0],
    [2, 20_000],
    [3, 20_000],
    [4, 20_000],
  ]);
});

test("a state of another machine or directory, or behind its topic, or an older checkpoint, begins a stream that says so", async () => {
  await using directory = await TempDir.create();
  const machine = await Machine.start(directory);
  machine.proof.decide([]);
  machine.checkpoint();
  const value = await machine.proof.headValue();
  const first = await machine.sent();
  machine.checkpoint();
  const { saved } = machine;
  const reading = readManifest(value);
  assert.ok(reading.kind === "manifest");
  const found = [{ stream: first.stream, sequence: 2, hash: "f".repeat(64) }];
  const ways = [
    { reason: "cloned", loaded: "newest", some: { place: () => ({ ...here, machine: "other" }) }, found: [] },
    { reason: "restored", loaded: "newest", some: { place: () => ({ ...here, directory: "2" }) }, found: [] },
    { reason: "restored", loaded: "newest", some: {}, found },
    { reason: "fallback", loaded: "fallback", some: {}, found: [] },
  ] as const;
  for (const way of ways) {
    const other = await Machine.start(directory, { kind: way.loaded, saved, parts: [] }, way.some);
    other.proof.decide(way.found);
    other.checkpoint();
    const { stream, sequence, succeeds } = await other.sent();
    assert.notEqual(stream, first.stream);
    assert.equal(sequence, 1);
    assert.deepEqual(succeeds, { stream: first.stream, sequence: 1, hash: reading.hash, reason: way.reason });
  }
  const lost = await Machine.start(directory);
  lost.proof.decide(found);
  lost.checkpoint();
  assert.deepEqual((await lost.sent()).succeeds, { ...found[0], reason: "lost" });
});

test("a new key and a new name are announced by a manifest of the old ones", async () => {
  await using directory = await TempDir.create();
  const [current, next] = [newKey(), newKey()];
  const machine = await Machine.start(directory, undefined, { keys: { current, next: undefined } });
  machine.proof.decide([]);
  machine.checkpoint();
  assert.ok(isSignedBy(await machine.sent(), publicPart(current)));
  machine.checkpoint();
  const other = await Machine.start(
    directory,
    { kind: "newest", saved: machine.saved, parts: [] },
    { keys: { current, next }, node: "south" },
  );
  other.proof.decide([]);
  other.checkpoint();
  const announcing = await other.sent();
  assert.ok(isSignedBy(announcing, publicPart(current)));
  assert.deepEqual([announcing.node, announcing.next_node], ["north", "south"]);
  assert.equal(announcing.next_key, publicPart(next).text);
  other.nowMs += 60_000;
  other.checkpoint();
  const after = await other.sent();
  assert.ok(isSignedBy(after, publicPart(next)));
  assert.deepEqual([after.node, after.next_node, after.next_key], ["south", undefined, undefined]);
});

test("what can neither be cut nor be kept is given up before a checkpoint becomes too large, and a new stream says so", async () => {
  await using directory = await TempDir.create();
  const machine = await Machine.start(directory);
  machine.proof.decide([]);
  machine.checkpoint();
  const first = await machine.head();
  const of = { topic: "t", handler: "h", node: "north", id: "1700000000.1" };
  const record = machine.proof.account.found(of, hash("sha256", "v", "hex"), false);
  assert.ok(record !== undefined);
  // It is not known what the topic has, so nothing may be cut.
  const another = await Machine.start(directory, { kind: "newest", saved: machine.saved, parts: [] });
  another.proof.account.addPassed({
    kind: "relevant",
    salvaged: 0,
    records: Array.from({ length: 100_001 }, () => record),
    dead: [],
  });
  another.checkpoint();
  assert.ok(JSON.stringify(another.saved).length < 100_000);
  another.proof.decide([]);
  await another.sent();
  another.checkpoint();
  const { sequence, succeeds } = await another.sent();
  assert.deepEqual([sequence, succeeds?.stream, succeeds?.reason], [1, first.stream, "lost"]);
});

test("what the socket had brought stays in the checkpoint of a start that is killed before its look-up is over, until it is found", async () => {
  await using directory = await TempDir.create();
  const value = Buffer.from("a");
  const first = await Machine.start(directory);
  const record = first.proof.account.found(
    { topic: "t", handler: "windows", node: "north", id: "1.1" },
    hash("sha256", value, "hex"),
    true,
  );
  assert.ok(record !== undefined);
  bringAhead(first, record);
  first.checkpoint();
  const second = await Machine.start(directory, { kind: "newest", saved: first.saved, parts: [] });
  second.checkpoint();
  const third = await Machine.start(directory, { kind: "newest", saved: second.saved, parts: [] });
  assert.deepEqual(
    third.proof.formerAhead.map(({ id }) => id),
    ["1.1"],
  );
  const shipments = new ShipmentAccount(third.proof.account);
  shipments.resume(third.proof);
  const valueHash = createHash("sha256").update(value).digest("hex");
  const copy = { topic: "t", partition: 0, offset: 0, valueHash, isFromSocket: true, isReplay: false };
  shipments.leftBehind(new Map([[lookupKey("north", "1.1", "windows", value), [copy]]]));
  assert.equal(third.proof.account.unlinedCount, 1);
  third.checkpoint();
  const fourth = await Machine.start(directory, { kind: "newest", saved: third.saved, parts: [] });
  assert.deepEqual([fourth.proof.formerAhead, fourth.proof.undecided.size], [[], 0]);
});

test("what the socket had brought is counted if its line is gone, also when the look-up begins behind it", async () => {
  await using directory = await TempDir.create();
  const first = await Machine.start(directory);
  const of = { topic: "t", handler: "windows", node: "north", id: "1.1" };
  const record = first.proof.account.found(of, hash("sha256", "a", "hex"), true);
  assert.ok(record !== undefined);
  bringAhead(first, record);
  first.checkpoint();
  // Its window is gone, and nothing of before the checkpoint is asked for.
  const { proof } = await Machine.start(directory, { kind: "newest", saved: first.saved, parts: [] });
  const shipments = new ShipmentAccount(proof.account);
  shipments.resume(proof);
  shipments.lookedUp(new Map());
  assert.equal(proof.account.unlinedCount, 0, "its line may come");
  shipments.leftBehind(new Map());
  assert.equal(proof.account.unlinedCount, 1);
  shipments.leftBehind(new Map());
  assert.equal(proof.account.unlinedCount, 1);
});

test("what was sent after the last checkpoint is undecided in each one until its line is known, or that it has none", async () => {
  await using directory = await TempDir.create();
  const first = await Machine.start(directory);
  first.proof.askAt(
    () => [],
    () => ({ "t/0": 5 }),
  );
  first.checkpoint();
  const second = await Machine.start(directory, { kind: "newest", saved: first.saved, parts: [] });
  // The look-up is over, and what it found is known to be there: 4 is in a manifest, 5 and 6 are not.
  second.proof.askAt(
    () => [],
    () => ({ "t/0": 7 }),
  );
  const shipments = new ShipmentAccount(second.proof.account);
  shipments.resume(second.proof);
  shipments.lookedUp(new Map([found(4), found(5), found(6)]));
  second.checkpoint();
  // Killed before the log was read as far as that. The lines of 5 and 6 are gone.
  const third = await Machine.start(directory, { kind: "newest", saved: second.saved, parts: [] });
  const later = new ShipmentAccount(third.proof.account);
  later.resume(third.proof);
  const left = new Map([found(4), found(5), found(6)]);
  later.lookedUp(left);
  later.leftBehind(left);
  assert.equal(third.proof.account.unlinedCount, 2);
  third.checkpoint();
  const fourth = await Machine.start(directory, { kind: "newest", saved: third.saved, parts: [] });
  assert.equal(fourth.proof.undecided.size, 0);
});

test("open_from does not rise while a record of an earlier process is undecided", async () => {
  await using directory = await TempDir.create();
  const first = await Machine.start(directory);
  first.proof.account.sawTime(Date.parse("2026-03-01T10:00:00Z"));
  first.checkpoint();
  const before = first.proof.account.openFrom(Date.now());
  assert.equal(before, "2026-03-01T09:58Z");
  for (const isThere of [true, false]) {
    const { proof } = await Machine.start(directory, { kind: "newest", saved: first.saved, parts: [] });
    const shipments = new ShipmentAccount(proof.account);
    shipments.resume({ formerNext: { "t/0": 0 }, undecided: proof.undecided });
    proof.account.atEnd();
    assert.equal(proof.account.openFrom(Date.now()), before, "the look-up lasts");
    const left = new Map(isThere ? [found(1)] : []);
    shipments.lookedUp(left);
    assert.equal(proof.account.openFrom(Date.now()) === before, isThere);
    shipments.leftBehind(left);
    assert.ok(proof.account.openFrom(Date.now()) > before);
  }
});

/** The socket has brought an alert with this record, at offset 0, and the log has not. */
function bringAhead({ proof }: Machine, record: CountedRecord): void {
  const contribution = { kind: "relevant", salvaged: 0, records: [record], dead: [] } as const;
  proof.askAt(
    () => [{ high: 1, low: 2, occurrence: 1, id: "1.1", contribution }],
    () => ({ "t/0": 1 }),
  );
}

/** The record of this offset, as a look-up finds it. */
function found(offset: number): [string, FoundValue[]] {
  const value = Buffer.from(`${offset}`);
  const valueHash = createHash("sha256").update(value).digest("hex");
  const key = lookupKey("north", `1.${offset}`, "windows", value);
  return [key, [{ topic: "t", partition: 0, offset, valueHash, isFromSocket: false, isReplay: false }]];
}
