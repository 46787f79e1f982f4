import assert from "node:assert/strict";
import { appendFileSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { watching, type Waker } from "../../../../daemon/sources/tail/waker.ts";
import { TempDir } from "../../../rig/temp-dir.ts";

const never = 3_600_000;
const periodMs = 2;

/** A wait as the tail does it; a test decides when there is something to look at. */
class Waiting {
  looks = 0;
  isStill = true;
  readonly ended: Promise<void>;
  /** Resolves when the directory is watched. */
  readonly watched: Promise<void>;
  #resolveWatched: () => void = () => undefined;
  readonly #controller = new AbortController();

  constructor(waker: Waker, afterLooks: number) {
    this.watched = new Promise((resolve) => (this.#resolveWatched = resolve));
    this.ended = waker.wait(this.#controller.signal, () => {
      this.looks += 1;
      // One more look, at what changed before the watch was there.
      if (this.looks > afterLooks) this.#resolveWatched();
      return this.isStill;
    });
  }

  abort(): void {
    this.#controller.abort();
  }
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
    const waker = watching(periodMs, { directory: directory.path, afterLooks: 3, periodMs: never });
    const waiting = new Waiting(waker, 3);
    await waiting.watched;
    waiting.isStill = false;
    change(path);
    await waiting.ended;
  });
}

test("what changed before the watch was there is noticed at once", async () => {
  await using directory = await TempDir.create();
  const waker = watching(periodMs, { directory: directory.path, afterLooks: 3, periodMs: never });
  let looks = 0;
  await waker.wait(new AbortController().signal, () => ++looks <= 3);
  assert.equal(looks, 4);
});

test("changes that do not concern the log wake nobody", async () => {
  await using directory = await TempDir.create();
  const waker = watching(periodMs, { directory: directory.path, afterLooks: 3, periodMs: never });
  const waiting = new Waiting(waker, 3);
  await waiting.watched;
  const before = waiting.looks;
  writeFileSync(directory.join("alerts.log"), "text\n");
  while (waiting.looks === before) await new Promise(setImmediate);
  waiting.abort();
  await waiting.ended;
});

test("a watched log is still examined, less often: not every file system reports changes", async () => {
  await using directory = await TempDir.create();
  const waker = watching(periodMs, { directory: directory.path, afterLooks: 3, periodMs: periodMs * 2 });
  const waiting = new Waiting(waker, 3);
  await waiting.watched;
  waiting.isStill = false;
  await waiting.ended;
});

test("a directory that cannot be watched is examined as often as before", async () => {
  await using directory = await TempDir.create();
  const waker = watching(periodMs, { directory: directory.join("none"), afterLooks: 3, periodMs: never });
  const waiting = new Waiting(waker, 3);
  await waiting.watched;
  waiting.isStill = false;
  await waiting.ended;
});

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

test("a watch ends with the wait: waiting repeatedly leaks none", async () => {
  await using directory = await TempDir.create();
  const path = directory.join("alerts.json");
  const before = watches();
  for (let round = 0; round < 5; round++) {
    const waker = watching(periodMs, { directory: directory.path, afterLooks: 1, periodMs: never });
    const waiting = new Waiting(waker, 1);
    await waiting.watched;
    if (round === 4) waiting.abort();
    else {
      waiting.isStill = false;
      writeFileSync(path, `${round}`);
    }
    await waiting.ended;
  }
  assert.equal(watches(), before);
});
