import assert from "node:assert/strict";
import { createHook } from "node:async_hooks";
import { randomBytes } from "node:crypto";
import { mkdirSync, renameSync, symlinkSync } from "node:fs";
import { test } from "node:test";
import { killDescriptor } from "../unit/sources/tail/support/dead-descriptor.ts";
import { LogTree } from "../unit/sources/tail/support/log-tree.ts";
import { TestTail } from "../unit/sources/tail/support/test-tail.ts";

/** Counts this process's file system operations in the meantime. */
class Operations implements Disposable {
  directories = 0;
  all = 0;
  readonly #hook = createHook({
    init: (_id, type) => {
      if (type === "DIRHANDLE") this.directories += 1;
      if (type.startsWith("FSREQ")) this.all += 1;
    },
  }).enable();

  [Symbol.dispose](): void {
    this.#hook.disable();
  }
}

/** The operations that it takes to read the given number of parts of a day. */
async function effortOf(parts: number): Promise<{ directories: number; all: number }> {
  using tree = new LogTree();
  tree.rotate("20");
  await (await TestTail.start(tree)).stop();
  for (let part = 1; part <= parts; part++) {
    tree.rotate(`21-${String(part).padStart(3, "0")}`);
    tree.write(`part ${part}`);
  }
  using operations = new Operations();
  await using tail = await TestTail.start(tree);
  const { directories, all } = operations;
  assert.equal(tail.texts.length, parts);
  return { directories, all };
}

test("each unread file costs the same, however many there are, and directories are not read for each of them", async () => {
  const [few, more, many] = [await effortOf(100), await effortOf(200), await effortOf(400)];
  assert.ok(many.directories <= few.directories + 4, `${few.directories} and ${many.directories} directories`);
  const first = (more.all - few.all) / 100;
  const later = (many.all - more.all) / 200;
  assert.ok(later <= first * 1.1, `${first} operations for a file, and ${later} for one of more files`);
});

test("a file whose descriptor died and that is missing is looked for less and less often", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.write("one");
  await tail.turn();
  killDescriptor(tree.alertsJson);
  renameSync(`${tree.root}/alerts`, `${tree.root}/away`);
  const looks = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      tail.nowMs += 1000;
      await tail.turn();
    }
  };
  await looks(100);
  using operations = new Operations();
  await looks(100);
  // Each turn tries to read the descriptor, and about every thirtieth looks elsewhere, too.
  assert.ok(operations.all < 200, `${operations.all} operations`);
});

test("on the way to a position deep in a .gz progress is visible", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const first = await TestTail.start(tree);
  for (let line = 0; line < 100; line++) tree.write(`quiet ${randomBytes(10_000).toString("base64")}`);
  await first.turn();
  await first.stop();
  tree.write("behind the place");
  tree.rotate("22");
  tree.compress("21");
  await using tail = new TestTail(tree);
  void tail.run();
  const seen = new Set<number>();
  while (tail.texts.length === 0) {
    seen.add(tail.tail.steps);
    await new Promise(setImmediate);
  }
  // A megabyte that cannot be compressed, in pieces of 16 KiB.
  assert.ok(Math.max(...seen) > 50 && seen.size > 20, `${seen.size} steps, up to ${Math.max(...seen)}`);
  assert.deepEqual(tail.texts, ["behind the place"]);
});

test("if alerts.json is a link, the archives are those next to its target", async () => {
  using tree = new LogTree();
  tree.rotate("20");
  const directory = `${tree.root}/elsewhere`;
  mkdirSync(directory);
  symlinkSync("../alerts/alerts.json", `${directory}/alerts.json`);
  const path = `${directory}/linked.json`;
  symlinkSync(`${directory}/alerts.json`, path);
  await (await TestTail.start(tree, { path })).stop();
  tree.write("20");
  tree.rotate("21");
  tree.write("21");
  tree.rotate("22");
  tree.write("22");
  tree.compress("21");
  await using tail = await TestTail.start(tree, { path });
  assert.deepEqual(tail.texts, ["20", "21", "22"]);
  assert.equal(tail.tail.status()?.file, tree.dated("22"));
});
