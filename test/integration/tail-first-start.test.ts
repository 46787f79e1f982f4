import assert from "node:assert/strict";
import { chmodSync, existsSync } from "node:fs";
import { test } from "node:test";
import { months } from "../../daemon/sources/tail/log/dated-name.ts";
import { otherUser } from "../rig/other-user.ts";
import { LogTree } from "../unit/sources/tail/support/log-tree.ts";
import { TestTail } from "../unit/sources/tail/support/test-tail.ts";

/**
 * Runs something as a user who may read nothing that is not given to everybody; a user other than root needs no change.
 */
async function withoutRights<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work();
  process.setegid?.(otherUser.gid);
  process.seteuid?.(otherUser.uid);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

/** Name of a dated file as `LogTree` takes it, for the given number of days from today. */
function day(fromToday: number): string {
  const now = new Date();
  const date = new Date(now.getFullYear(), now.getMonth(), now.getDate() + fromToday);
  return `${date.getFullYear()}/${months[date.getMonth()]}/${String(date.getDate()).padStart(2, "0")}`;
}

/** A tree with an alert in it, in which a first start may write its state and nothing else. */
function hiddenTree(): LogTree {
  const tree = new LogTree();
  tree.rotate(day(-1));
  tree.write(line("2026-11-20T10:00:00.000+0100", "archived"));
  tree.rotate(day(0));
  tree.write(line("2026-11-21T10:00:00.000+0100", "before the first start"));
  chmodSync(tree.root, 0o755);
  chmodSync(tree.stateDir, 0o777);
  return tree;
}

function line(time: string, what: string): string {
  return `{"timestamp":"${time}","what":"${what}","filler":"${"x".repeat(80)}"}`;
}

const inTime = (what: string): string => line(new Date(Date.now() + 1000).toISOString(), what);
const what = (texts: readonly string[]): string[] => texts.map((text) => /"what":"([^"]*)"/.exec(text)?.[1] ?? text);

for (const hidden of ["alerts.json", "the directory of alerts.json"]) {
  for (const meanwhile of ["nothing", "a rotation", "a rotation and a compression"]) {
    test(`a first start without the right to read ${hidden} fixes its position: after a crash and ${meanwhile} nothing is skipped, nothing old comes`, async () => {
      using tree = hiddenTree();
      const [path, open] = hidden === "alerts.json" ? [tree.current, 0o640] : [`${tree.root}/alerts`, 0o755];
      chmodSync(path, 0);
      await withoutRights(async () => {
        const first = await TestTail.start(tree, { sinkOffsets: () => ({ "topic/0": 7 }) });
        first.nowMs = 1500;
        await first.turn();
        assert.deepEqual(first.texts, []);
        assert.equal(first.logged.find("error", /cannot be read \(EACCES\)/).length, 1);
        await first.crash();
      });
      assert.ok(existsSync(`${tree.stateDir}/checkpoint.json`));
      chmodSync(path, open);
      tree.write(inTime("in the same file"));
      if (meanwhile !== "nothing") tree.rotate(day(1));
      if (meanwhile === "a rotation and a compression") tree.compress(day(0));
      tree.write(inTime("last"));
      const second = new TestTail(tree);
      assert.deepEqual((await second.tail.load()).sink, { "topic/0": 7 });
      void second.run();
      await second.idle();
      assert.deepEqual(what(second.texts), ["in the same file", "last"]);
      await second.stop();
    });
  }
}

test("a first start at the beginning of a log that it may not see ignores older days, also after a crash", async () => {
  using tree = new LogTree();
  tree.rotate(day(-3));
  tree.write(line("2026-11-18T10:00:00.000+0100", "archived"));
  tree.rotate(day(0));
  tree.write(inTime("of today"));
  chmodSync(tree.root, 0o755);
  chmodSync(tree.stateDir, 0o777);
  chmodSync(`${tree.root}/alerts`, 0);
  await withoutRights(async () => (await TestTail.start(tree, { start: "beginning" })).crash());
  chmodSync(`${tree.root}/alerts`, 0o755);
  const second = await TestTail.start(tree, { start: "beginning" });
  assert.deepEqual(what(second.texts), ["of today"]);
  await second.stop();
});

test("a first start in the middle of a line that it may not read takes that line whole", async () => {
  using tree = hiddenTree();
  const whole = inTime("begun before");
  tree.writeRaw(whole.slice(0, 50));
  chmodSync(tree.current, 0);
  await withoutRights(async () => (await TestTail.start(tree)).crash());
  chmodSync(tree.current, 0o640);
  tree.writeRaw(`${whole.slice(50)}\n`);
  const second = await TestTail.start(tree);
  assert.deepEqual(what(second.texts), ["begun before"]);
  await second.stop();
});
