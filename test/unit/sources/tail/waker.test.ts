import assert from "node:assert/strict";
import { once } from "node:events";
import { appendFileSync, readdirSync, readFileSync, renameSync, rmSync, watch, writeFileSync } from "node:fs";
import { mock, test } from "node:test";
import { watching, type WatchedFile, type Waker } from "../../../../daemon/sources/tail/waker.ts";
import { eventually } from "../../../rig/eventually.ts";
import { TempDir } from "../../../rig/temp-dir.ts";

const never = 3_600_000;
const periodMs = 2;

/** Waits as the tail does; a test decides when there is something to look at. */
class Waiting {
  looks = 0;
  isStill = true;
  ended: Promise<void> = Promise.resolve();
  isOver = true;
  readonly #waker: Waker;
  readonly #controller = new AbortController();

  constructor(waker: Waker) {
    this.#waker = waker;
  }

  static begin(path: string, options: Partial<WatchedFile> = {}): Waiting {
    const waker = watching(periodMs, { path, closeMs: 1, watchedMs: never, afterLooks: 3, ...options });
    return new Waiting(waker).again(false);
  }

  again(hasGrown: boolean): this {
    const isStill = (): boolean => {
      this.looks += 1;
      return this.isStill;
    };
    this.isOver = false;
    this.ended = this.#waker.wait(this.#controller.signal, isStill, hasGrown).then(() => void (this.isOver = true));
    return this;
  }

  async watched(before = 0): Promise<void> {
    await eventually("a watch", () => watches() > before);
  }

  async abort(): Promise<void> {
    this.#controller.abort();
    await this.ended;
  }
}

/** Watches that this process holds, as the kernel counts them: proc(5), fdinfo. */
function watches(): number {
  const texts = readdirSync("/proc/self/fdinfo").map((fd) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${fd}`, "latin1");
    } catch {
      return ""; // The one that the directory was read with.
    }
  });
  return texts.join("").split("inotify wd:").length - 1;
}

const changes: readonly (readonly [string, (path: string) => void])[] = [
  ["a line is appended", (path) => appendFileSync(path, "line\n")],
  ["the file is moved away", (path) => renameSync(path, `${path}.1`)],
  ["the file is removed", (path) => rmSync(path)],
  ["the file is truncated", (path) => writeFileSync(path, "")],
];

for (const [what, change] of changes) {
  test(`an unchanged log is watched, and examined when ${what}, long before the next look is due`, async () => {
    await using directory = await TempDir.create();
    const path = directory.join("alerts.json");
    writeFileSync(path, "before\n");
    const waiting = Waiting.begin(path);
    await waiting.watched();
    waiting.isStill = false;
    change(path);
    await waiting.ended;
    await waiting.abort();
  });
}

test("what changed before the watch was there is noticed at once", async () => {
  await using directory = await TempDir.create();
  const waker = watching(periodMs, { path: directory.join("log"), closeMs: 1, watchedMs: never, afterLooks: 3 });
  const controller = new AbortController();
  let looks = 0;
  await waker.wait(controller.signal, () => ++looks <= 1);
  assert.equal(looks, 2);
  controller.abort();
});

test("changes of other files wake nobody", async () => {
  await using directory = await TempDir.create();
  const path = directory.join("alerts.json");
  writeFileSync(path, "");
  const waiting = Waiting.begin(path);
  await waiting.watched();
  const before = waiting.looks;
  writeFileSync(directory.join("alerts.log"), "text\n");
  // Reported after it by another watch.
  const other = watch(directory.path);
  const reported = once(other, "change");
  writeFileSync(directory.join("other"), "text\n");
  await reported;
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  other.close();
  assert.deepEqual([waiting.looks, waiting.isOver], [before, false]);
  appendFileSync(path, "line\n");
  await waiting.ended;
  await waiting.abort();
});

test("a change is followed at once; when others follow closely there is no watch until a look finds nothing", async () => {
  await using directory = await TempDir.create();
  const path = directory.join("alerts.json");
  writeFileSync(path, "");
  let now = 10_000;
  const clock = mock.method(performance, "now", () => now);
  const waiting = Waiting.begin(path, { closeMs: 5 });
  try {
    await waiting.watched();
    waiting.isStill = false;
    for (let change = 0; change < 3; change++) {
      now += 1000;
      appendFileSync(path, "line\n");
      await waiting.ended;
      assert.equal(watches(), 1);
      waiting.again(true);
    }
    appendFileSync(path, "line\n");
    await waiting.ended;
    assert.equal(watches(), 0);
    for (let look = 0; look < 3; look++) {
      await waiting.again(true).ended;
      assert.equal(watches(), 0);
    }
    waiting.again(false);
    waiting.isStill = true;
    await waiting.watched();
  } finally {
    clock.mock.restore();
    await waiting.abort();
  }
});

test("a file that changed and cannot be read is examined every period", async () => {
  await using directory = await TempDir.create();
  const path = directory.join("alerts.json");
  writeFileSync(path, "");
  const waiting = Waiting.begin(path);
  await waiting.watched();
  waiting.isStill = false;
  rmSync(path);
  await waiting.ended;
  for (let look = 0; look < 10; look++) {
    waiting.again(false);
    assert.equal(watches(), 0);
    await waiting.ended;
  }
  await waiting.abort();
});

test("a change during a look is not forgotten", async () => {
  await using directory = await TempDir.create();
  const path = directory.join("alerts.json");
  writeFileSync(path, "");
  const waiting = Waiting.begin(path);
  await waiting.watched();
  waiting.isStill = false;
  appendFileSync(path, "one\n");
  await waiting.ended;
  appendFileSync(path, "two\n");
  // Reported while nobody waits.
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  await waiting.again(true).ended;
  await waiting.abort();
});

test("a watched log is still examined, less often: not every file system reports changes", async () => {
  await using directory = await TempDir.create();
  const waiting = Waiting.begin(directory.join("alerts.json"), { watchedMs: periodMs * 2 });
  await waiting.watched();
  waiting.isStill = false;
  await waiting.ended;
  await waiting.abort();
});

test("a log that grows and whose growth is not reported is examined every period, until it was unchanged for long", async () => {
  await using directory = await TempDir.create();
  const waiting = Waiting.begin(directory.join("alerts.json"), { watchedMs: periodMs * 2, afterLooks: 30 });
  await waiting.watched();
  waiting.isStill = false;
  await waiting.ended;
  await waiting.again(true).ended;
  assert.equal(watches(), 1, "once may be chance");
  waiting.again(true);
  assert.equal(watches(), 0);
  await waiting.ended;
  waiting.isStill = true;
  const before = waiting.looks;
  waiting.again(false);
  await waiting.watched();
  assert.ok(waiting.looks - before >= 30, `${waiting.looks - before} looks`);
  await waiting.abort();
});

test("a directory that cannot be watched is examined as often as before", async () => {
  await using directory = await TempDir.create();
  const waiting = Waiting.begin(directory.join("none/alerts.json"));
  await eventually("looks", () => waiting.looks > 10);
  assert.equal(watches(), 0);
  waiting.isStill = false;
  await waiting.ended;
  await waiting.abort();
});

test("the watch ends with the signal, also between waits, and waiting repeatedly leaks none", async () => {
  await using directory = await TempDir.create();
  const path = directory.join("alerts.json");
  const before = watches();
  for (const isBetween of [false, true]) {
    const waiting = Waiting.begin(path);
    for (let round = 0; round < 5; round++) {
      waiting.isStill = true;
      await waiting.watched(before);
      assert.equal(watches(), before + 1);
      waiting.isStill = false;
      writeFileSync(path, `${round}`);
      await waiting.ended;
      if (round < 4 || !isBetween) {
        waiting.isStill = true;
        waiting.again(false);
      }
    }
    await waiting.abort();
    assert.equal(watches(), before);
  }
});
