import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { encodeCheckpoint, type Body } from "../../../daemon/sources/tail/position/checkpoint.ts";
import { beforeBytes, contentHash, headBytes } from "../../../daemon/sources/tail/log/content-hash.ts";
import { LogTree } from "../../unit/sources/tail/support/log-tree.ts";
import { TestTail, type Taken } from "../../unit/sources/tail/support/test-tail.ts";
import { joinParts, partsOf } from "../parts.ts";
import { jsonWords, windowsAlert } from "../seeds.ts";
import type { Target } from "../target.ts";

const log = Buffer.from(`${windowsAlert.toString()}\nquiet\ntwo ${"2".repeat(90)}\n\nquiet\nthree\n`);
const second = log.indexOf("two");
const marker = "the last line of all";

function checkpointAt(offset: number): string {
  const head = contentHash(log.subarray(0, Math.min(offset, headBytes)));
  const identity = { id: "1:1", name: "2026/Nov/ossec-alerts-21", head };
  const before = contentHash(log.subarray(Math.max(0, offset - beforeBytes), offset));
  const body: Body = {
    position: { ...identity, file: "/alerts.json", offset, before },
    afterRank: 1,
    finished: [{ ...identity, name: "2026/Nov/ossec-alerts-20", end: 7 }],
    doneBeyond: [{ ...identity, offsets: [second] }],
    notBeforeMs: null,
    newestSecond: 1_795_000_000,
    sink: {},
  };
  return encodeCheckpoint(body, 3);
}

/**
 * A hostile log with a hostile checkpoint, read by the real tail: it starts in any case, reads the lines unchanged and
 * none twice, sees what is written afterwards, and continues from there at the next start.
 */
export const tail: Target = {
  name: "tail",
  seeds: [
    joinParts([log, checkpointAt(second), checkpointAt(second - 6)]),
    joinParts([log, checkpointAt(second).slice(0, -30), checkpointAt(log.length)]),
    joinParts([log, checkpointAt(log.length).replace('"afterRank":1', '"afterRank":9')]),
    joinParts([log, checkpointAt(second).replace(/"offset":\d+/, '"offset":9007199254740991')]),
    joinParts([log.subarray(0, 300), checkpointAt(second)]),
    log,
  ],
  words: [
    ...jsonWords,
    "\n",
    "quiet",
    "\0",
    "\n%%\n",
    '"offset":',
    '"length":',
    '"end":',
    "9007199254740991",
    "2026/Nov/",
  ],
  testInputs: 50,
  open: () => ({ judge }),
};

async function judge(input: Buffer): Promise<string> {
  const [content = Buffer.alloc(0), current, previous] = partsOf(input, 3);
  using tree = new LogTree();
  tree.rotate("21");
  tree.writeRaw(content);
  if (current !== undefined) writeFileSync(`${tree.stateDir}/checkpoint.json`, current);
  if (previous !== undefined) writeFileSync(`${tree.stateDir}/checkpoint.json.1`, previous);

  const reading = await TestTail.start(tree);
  tree.writeRaw(`\n${marker}\n`);
  await reading.turn(2);
  await reading.stop();
  const { taken } = reading.intake;
  checkTaken(taken, readFileSync(tree.alertsJson));
  assert.equal(reading.texts.filter((text) => text === marker).length, 1, "what is written after the start is read");

  const again = await TestTail.start(tree);
  await again.turn();
  await again.stop();
  assert.deepEqual(again.texts, [], "nothing is read again after a proper stop");
  const skipped = taken.length > 1 ? "" : "nothing before the marker";
  return `${reading.logged.lines.length > 0 ? "said something" : "silent"} ${Math.min(taken.length, 4)} ${skipped}`;
}

function checkTaken(taken: readonly Taken[], content: Buffer): void {
  let end = 0;
  for (const { text, place, isSettled } of taken) {
    assert.ok(isSettled && place.offset >= end, "in order, nothing twice");
    end = place.offset + place.length;
    assert.equal(text, content.toString("latin1", place.offset, end), "as it is in the log");
    assert.ok(place.offset === 0 || content[place.offset - 1] === 0x0a, "from the beginning of a line");
    assert.equal(content[end], 0x0a, "to its end");
  }
}
