import assert from "node:assert/strict";
import { test } from "node:test";
import { carryOver, createBooks } from "../../../daemon/forwarder/books.ts";
import type { Counts } from "../../../daemon/telemetry/counters.ts";

function assertBalanced({ read, ignored, paired, inFlight, acknowledged, deadLettered }: Counts): void {
  assert.equal(read, ignored + paired + inFlight + acknowledged + deadLettered);
}

test("alerts that a reload lets go are not counted twice when they are read again", () => {
  const { tail, ...others } = createBooks();
  for (let i = 0; i < 5; i++) tail.taken();
  tail.settled("acknowledged");
  carryOver({ tail, ...others }, true);
  assert.deepEqual([tail.inFlight, tail.carriedOver], [4, 4]);
  for (let i = 0; i < 6; i++) {
    tail.taken();
    assertBalanced(tail.snapshot());
    tail.settled("acknowledged");
    assertBalanced(tail.snapshot());
  }
  assert.deepEqual(
    { ...tail.snapshot() },
    { read: 7, ignored: 0, paired: 0, inFlight: 0, acknowledged: 7, deadLettered: 0 },
  );
});

test("what the socket brought is the tail's from then on; without a tail its client sends it again", () => {
  const books = createBooks();
  books.socket.taken();
  carryOver(books, true);
  assert.deepEqual([books.socket.inFlight, books.socket.paired], [0, 1]);
  books.socket.taken();
  carryOver(books, false);
  assert.deepEqual([books.socket.inFlight, books.socket.carriedOver], [1, 1]);
  assertBalanced(books.socket.snapshot());
});
