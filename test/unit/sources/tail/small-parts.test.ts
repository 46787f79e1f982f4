import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { statusOf, type Situation } from "../../../../daemon/sources/tail/status.ts";
import { alertTimeOf } from "../../../../daemon/sources/tail/feeder.ts";
import { explain } from "../../../../daemon/sources/tail/log/explain.ts";
import { every, unlessAborted } from "../../../../daemon/sources/tail/waker.ts";

test("the timestamp at the beginning of an alert is read as Wazuh writes it, and nothing else is", () => {
  const line = Buffer.from('{"timestamp":"2026-11-21T11:24:00.123+0100","rule":{}}');
  assert.equal(alertTimeOf(line), Date.UTC(2026, 10, 21, 10, 24, 0, 123));
  for (const other of [
    "",
    "{}",
    '{"rule":1,"timestamp":"2026-11-21T11:24:00.123+0100"}',
    '{"timestamp":"',
    '{"timestamp":"no time at all"}',
  ]) {
    assert.equal(alertTimeOf(Buffer.from(other)), undefined, other);
  }
});

test("the explanation contains the path of the error, the reason and what to do", async () => {
  const denied = Object.assign(new Error("denied"), { code: "EACCES", path: import.meta.filename });
  const refused = await explain("/other", denied);
  assert.match(refused.text, /small-parts.*uid \d+.*mode 0\d{3}.*group wazuh/);
  const absent = await explain("/a/b", Object.assign(new Error(), { code: "ENOENT" }));
  assert.match(absent.text, /^\/a\/b does not exist/);
  const broken = await explain("/a/b", Object.assign(new Error("i/o error"), { code: "EIO" }));
  assert.match(broken.text, /i\/o error.*retried/);
  const codes = [refused, absent, broken].map(({ code }) => code);
  assert.deepEqual(codes, ["log-unreadable", "log-missing", "log-unreadable"]);
});

test("waiting ends with the signal, and leaves no listener behind", async () => {
  const controller = new AbortController();
  await every(1).wait(controller.signal);
  await unlessAborted(Promise.resolve(), controller.signal);
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
  const waits = [every(1e9).wait(controller.signal), unlessAborted(new Promise(() => undefined), controller.signal)];
  controller.abort();
  await Promise.all(waits);
  await every(1e9).wait(controller.signal);
});

test("a sleeper sleeps on while nothing is new", async () => {
  let looks = 0;
  await every(1).wait(new AbortController().signal, () => ++looks < 5);
  assert.equal(looks, 5);
});

test("the lag is what is left of the file and what follows it", () => {
  const reading = {
    number: 1,
    start: 0,
    origin: { file: "f", id: "", name: undefined, head: Buffer.alloc(0), isCompressed: false },
  };
  const situation: Situation = {
    path: "p",
    reading: { reading, offset: 100 },
    trouble: undefined,
    isAtEnd: false,
    size: 150,
    backlog: { bytes: 1000, compressed: 2, files: 3 },
    lastTimeMs: 5000,
    damaged: [],
  };
  assert.deepEqual(statusOf(situation, 65_000), {
    state: "catching-up",
    file: "f",
    offset: 100,
    size: 150,
    lagBytes: 1050,
    lagFiles: 3,
    lagCompressedFiles: 2,
    lagSeconds: 60,
    damagedArchives: [],
  });
  const nothing = {
    ...situation,
    reading: undefined,
    size: undefined,
    trouble: "why",
    backlog: { bytes: 0, compressed: 0, files: 0 },
  };
  assert.deepEqual(statusOf({ ...nothing, isAtEnd: true }, 65_000), {
    state: "waiting: why",
    file: "p",
    offset: 0,
    size: undefined,
    lagBytes: undefined,
    lagCompressedFiles: 0,
    lagSeconds: undefined,
    damagedArchives: [],
  });
  const lag = (change: Partial<typeof situation>, nowMs = 65_000): unknown[] => {
    const { lagBytes, lagSeconds } = statusOf({ ...situation, ...change }, nowMs);
    return [lagBytes, lagSeconds];
  };
  assert.deepEqual(lag({ isAtEnd: true, size: 100 }), [0, 0]);
  for (const [why, change] of [
    ["its position is being looked for", { reading: undefined }],
    ["nothing was measured yet", { backlog: undefined }],
    ["it cannot be read", { trouble: "why" }],
    ["it cannot be read at its end", { trouble: "why", isAtEnd: true }],
  ] as const) {
    assert.deepEqual(lag(change), [undefined, undefined], `no lag is known while ${why}`);
  }
  assert.deepEqual(lag({ lastTimeMs: undefined }), [1050, undefined], "no alert was read yet");
  assert.deepEqual(lag({}, 3000), [1050, undefined], "the clock was set back behind the last alert");
});
