import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAnswer, maxAnswerBytes, parseAnswer, statuses, type Answer } from "../../../integration/protocol.ts";

test("every answer is read back as it was written", () => {
  for (const status of statuses) {
    for (const rest of [{ id: "1690000000.12" }, { id: undefined }, { id: "a", reason: "too long: 17 MiB" }]) {
      const answer: Answer = { status, ...rest };
      const line = formatAnswer(answer);
      assert.match(line, /^[^\n]+\n$/);
      assert.deepEqual(parseAnswer(line.trimEnd()), answer);
    }
  }
});

test("an id that would break the line is left out", () => {
  for (const id of ["a b", "a\nb", "", "x".repeat(65), "\u00e4", "a\u0000"]) {
    assert.equal(formatAnswer({ status: "accepted", id }), "accepted -\n");
  }
});

test("a reason cannot break the line or exceed the limit", () => {
  assert.equal(formatAnswer({ status: "rejected", id: undefined, reason: "a\nb\u0000\u00e4c" }), "rejected - a b c\n");
  const long = formatAnswer({ status: "duplicate", id: "x".repeat(64), reason: "y".repeat(100_000) });
  assert.ok(long.length <= maxAnswerBytes);
});

test("what is not an answer is not taken for one", () => {
  for (const line of ["", "accepted", "Accepted 1.1", "HTTP/1.1 400 Bad Request", " accepted 1.1", "taken 1.1"]) {
    assert.equal(parseAnswer(line), undefined, line);
  }
});
