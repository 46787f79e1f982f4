import assert from "node:assert/strict";
import { test } from "node:test";
import { fitting, wrapped } from "../../../../daemon/commands/top/cells.ts";
import { actionsOf } from "../../../../daemon/commands/top/keys.ts";
import { lineText } from "../../../../daemon/commands/top/lines.ts";
import { frameOf, type TopView } from "../../../../daemon/commands/top/screen.ts";
import type { StatusLook } from "../../../../daemon/page/way.ts";
import type { Health } from "../../../../daemon/status/facts.ts";
import { present } from "../../../rig/present.ts";
import { aForwarder, counts, countsOf } from "../../status/a-forwarder.ts";

const ok: Health = { state: "ok", reasons: [] };
const calm: TopView = {
  now: { status: { ...aForwarder(), health: ok }, atMs: 2000 },
  before: undefined,
  away: undefined,
  isPaused: false,
  isHelpShown: false,
  sortColumn: undefined,
  isReversed: false,
};

function textOf(view: TopView, columns = Number.POSITIVE_INFINITY): string {
  return frameOf(view, columns, 0)
    .map((line) => lineText(line, { columns, isColoured: false }))
    .join("\n");
}

function lookAt(read: number, pid: number, atMs: number): StatusLook {
  const sources = countsOf({ tail: counts({ read, ignored: read }) });
  return { status: { ...aForwarder({ pid, sources }), health: ok }, atMs };
}

test("a rate is what came between two looks at the same process, and unknown over a restart", () => {
  const now = lookAt(1_234_567, 42, 3000);
  assert.match(textOf({ ...calm, now, before: lookAt(1_234_067, 42, 1000) }), /^alerts\.json +1,234,567 +250  /m);
  assert.match(textOf({ ...calm, now, before: lookAt(7, 41, 1000) }), /^alerts\.json +1,234,567 {12}/m);
  // What was open before a reload is counted when it is read again: a rate is never below 0.
  assert.match(textOf({ ...calm, now, before: lookAt(1_234_569, 42, 1000) }), /^alerts\.json +1,234,567 +0\.0  /m);
});

test("text of others neither steers the terminal nor widens a line beyond the window", () => {
  const evil = "\u001b[2J\u009b31m\r\n\u202e界界界e\u0301";
  const reason = { subject: evil, text: evil.repeat(50), remedy: evil, since: "1970-01-01T00:00:00.000Z" };
  const cause = { source: evil, reason: evil, handler: evil, entries: 2 };
  const facts = aForwarder({ log: { ...present(aForwarder().log), file: evil } });
  const open = { entries: 2, since: undefined, causes: [cause], detail: evil };
  const status = {
    ...facts,
    version: evil,
    deadLetters: { ...facts.deadLetters, open },
    health: { state: "degraded" as const, reasons: [reason] },
  };
  const view = { ...calm, now: { status, atMs: 0 }, away: { reason: evil, seconds: 1 } };
  for (const columns of [1, 7, 40, 79, 80, 300]) {
    for (const line of frameOf(view, columns, 0)) {
      const text = lineText(line, { columns, isColoured: false });
      assert.doesNotMatch(text, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      assert.equal(fitting(text, columns).text, text);
    }
  }
  assert.match(textOf(view, 300), /\\u001b\[2J/);
});

test("wide characters count twice and marks not at all, so that a cut line fits", () => {
  assert.deepEqual(fitting("a界b", 2), { text: "a", columns: 1 });
  assert.deepEqual(fitting("a界b", 3), { text: "a界", columns: 3 });
  assert.deepEqual(fitting("e\u0301x", 1), { text: "e\u0301", columns: 1 });
  assert.deepEqual(fitting("😀", 1), { text: "", columns: 0 });
});

test("sentences break at blanks, longer words anywhere, and nothing is lost", () => {
  assert.deepEqual(wrapped("one two three", 7), ["one two", "three"]);
  assert.deepEqual(wrapped("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
  assert.deepEqual(wrapped("界界界", 1), ["界", "界", "界"]);
  assert.deepEqual(wrapped("  ", 5), []);
  for (const columns of [2, 3, 5, 8, 13]) {
    const text = "the topic does not exist: kafka-topics.sh --create --topic x";
    const lines = wrapped(text, columns);
    assert.equal(lines.join("").replaceAll(" ", ""), text.replaceAll(" ", ""));
    for (const line of lines) assert.ok(line.length <= columns);
  }
});

test("several keys that come at once each count, and sequences of other keys do nothing", () => {
  assert.deepEqual(actionsOf("s\u001b[B\u001b[Aq"), ["sort", "down", "up", "quit"]);
  assert.deepEqual(actionsOf("\u001b[1;5C\u001b[200~x\u001bOP\u001b"), []);
  assert.deepEqual(actionsOf("\u0003"), ["quit"]);
});

test("tables are sorted by the chosen column: numbers from the greatest, texts from A, reversed on demand", () => {
  const sources = countsOf({ tail: counts({ read: 5 }), socket: counts({ read: 900 }), replay: counts({ read: 30 }) });
  const view = { ...calm, now: { status: { ...aForwarder({ sources }), health: ok }, atMs: 0 } };
  const order = (some: Partial<TopView>): string[] =>
    [...textOf({ ...view, ...some }).matchAll(/^(tail|socket|replay) /gm)].map(([, name = ""]) => name);
  assert.deepEqual(order({ sortColumn: 0 }), ["replay", "socket", "tail"]);
  assert.deepEqual(order({ sortColumn: 1 }), ["socket", "replay", "tail"]);
  assert.deepEqual(order({ sortColumn: 8, isReversed: true }), ["tail", "replay", "socket"]);
});
