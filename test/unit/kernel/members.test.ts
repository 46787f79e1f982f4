import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeLine, members, ownAlert } from "../../fuzz/targets/kernel.ts";

/** Where a member may be put in: in front of each one that the alert has. */
const places = [...ownAlert.toString("latin1").matchAll(/(?<=[{,])"/g)].map(({ index }) => index);

test("a member that repeats another, or looks like it, changes an alert as in the ordinary way, wherever it is put in", () => {
  const answers = new Map<string, number>();
  for (const member of members) {
    for (const place of places) {
      const line = Buffer.concat([ownAlert.subarray(0, place), member, ownAlert.subarray(place)]);
      let answer: string;
      try {
        answer = judgeLine(line);
      } catch (reason) {
        throw new Error(`${member.toString("latin1")} at ${place}`, { cause: reason });
      }
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  }
  for (const answer of [
    "refused",
    "row, fingerprint",
    "row, fingerprint, own",
    "row, no fingerprint",
    "no row, no fingerprint",
  ]) {
    assert.ok((answers.get(answer) ?? 0) > 0, `${answer}: ${answers.get(answer)}`);
  }
});
