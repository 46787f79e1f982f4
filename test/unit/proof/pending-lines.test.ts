import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { digestAt, digestBytes, wordsOf } from "../../../daemon/manifest/record-digest.ts";
import {
  bareLine,
  type Contribution,
  type CountedEntry,
  type CountedRecord,
  joined,
} from "../../../daemon/proof/contribution.ts";
import { type PassedLines, PendingLines } from "../../../daemon/proof/pending-lines.ts";
import { seededRandom } from "../../rig/random.ts";

const entries = [1, 2].map((minute): CountedEntry => {
  return { topic: "t", handler: "windows", node: "n", bucket: `2026-11-29T10:0${minute}Z` };
});
/** Digests of a batch, as they lie in memory. */
const digests = Buffer.concat(
  Array.from({ length: 50 }, (_, index) => createHash("sha256").update(`record ${index}`).digest()),
);
const words = wordsOf(digests);

function digestOf(index: number): string {
  return digests.toString("latin1", index * digestBytes, (index + 1) * digestBytes);
}

/** Gathers what it hears as contributions. */
class Heard implements PassedLines {
  readonly lines: Contribution[] = [];

  record(entry: CountedEntry, all: Int32Array, index: number): void {
    this.lines.push(withRecord({ entry, isFromSocket: false, digest: digestAt(all, index) }));
  }

  line(contribution: Contribution): void {
    this.lines.push(contribution);
  }
}

function withRecord(record: CountedRecord): Contribution {
  return { ...bareLine, records: [record] };
}

test("what is known of lines comes when the position passes them, however far apart they are", () => {
  const random = seededRandom(7);
  const below = (end: number): number => Math.floor(random() * end);
  const pending = new PendingLines();
  const expected = new Map<number, Contribution>();
  let joins = 0;
  while (pending.front < 40_000) {
    for (let noted = 0; noted < 50; noted++) {
      const line = pending.front + below(random() < 0.02 ? 30_000 : 300);
      let more: Contribution;
      if (random() < 0.2) {
        more = { ...bareLine, kind: "broken", salvaged: 1 + below(9) };
        pending.note(line, more);
      } else {
        const entry = entries[below(2)]!;
        const index = below(50);
        more = withRecord({ entry, isFromSocket: false, digest: digestOf(index) });
        pending.noteRecord(line, entry, words, index);
      }
      if (expected.has(line)) joins += 1;
      expected.set(line, joined(expected.get(line), more));
      assert.deepEqual(pending.of(line), expected.get(line));
    }
    const first = pending.front;
    const heard = new Heard();
    pending.pass(first + below(200), heard);
    for (const [index, contribution] of heard.lines.entries()) {
      assert.deepEqual(contribution, expected.get(first + index) ?? bareLine, `line ${first + index}`);
      assert.equal(pending.of(first + index), undefined);
    }
    assert.equal(heard.lines.length, pending.front - first);
  }
  assert.ok(joins > 100, `of one line several were noted only ${joins} times`);
  assert.equal(pending.of(pending.front + 10_000_000), undefined);
  assert.throws(() => pending.note(pending.front - 1, bareLine), /passed/);
  assert.throws(() => pending.noteRecord(pending.front - 1, entries[0]!, words, 0), /passed/);
});

test("a digest is the same wherever its bytes begin in memory", () => {
  const unaligned = Buffer.concat([Buffer.alloc(1), digests]).subarray(1);
  assert.equal(digestAt(wordsOf(unaligned), 7), digestOf(7));
});
