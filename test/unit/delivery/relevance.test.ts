import assert from "node:assert/strict";
import { test } from "node:test";
import type { Needle } from "../../../daemon/contract.ts";
import { Relevance } from "../../../daemon/delivery/relevance.ts";

const key: Needle = { kind: "key", key: "eventID", values: new Set(["4625", "1102", "ä"]) };
const text: Needle = { kind: "text", bytes: Buffer.from("fail2ban.actions") };
const both = new Relevance([key, text]);

/** The lines that hold a hit, as a reader of the file finds them. */
function relevantLines(relevance: Relevance, lines: readonly string[]): string[] {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  const found: string[] = [];
  for (let from = 0; from < bytes.length;) {
    const hit = relevance.next(bytes, from, bytes.length);
    if (hit < 0) break;
    assert.ok(hit >= from);
    const start = bytes.lastIndexOf(0x0a, hit) + 1;
    const end = bytes.indexOf(0x0a, hit);
    found.push(bytes.toString("utf8", start, end));
    from = end + 1;
  }
  return found;
}

test("a key with a wanted value is a hit, however it is spaced, as a string or a bare number", () => {
  for (const line of [
    '{"eventID":"4625"}',
    '{"eventID" : \t"1102"}',
    '{"eventID":4625}',
    '{"eventID":4625 ,"a":1}',
    '{"eventID":"ä"}',
  ]) {
    assert.ok(both.matches(Buffer.from(line)), line);
  }
});

test("a key with another value, or the words elsewhere, is not a hit", () => {
  for (const line of [
    '{"eventID":"4624"}',
    '{"eventID":"46250"}',
    '{"eventID":"462"}',
    '{"eventID":46250}',
    '{"eventID":""}',
    '{"xeventID":"4625"}',
    '{"a":"eventID","b":"4625"}',
    '{"full_log":"\\"eventID\\":\\"4625\\""}',
    '{"a":"fail2ban.action"}',
    "",
  ]) {
    assert.equal(both.matches(Buffer.from(line)), false, line);
  }
});

test("a value that is not easily read is a hit: the handler decides", () => {
  for (const value of [
    '"\\u0034625"',
    '"4625\\n"',
    "null",
    "true",
    "[4625]",
    '{"a":1}',
    "",
    '"46',
    '"46\u0001"',
    "46",
  ]) {
    assert.ok(both.matches(Buffer.from(`{"eventID":${value}`)), value);
  }
  assert.ok(both.matches(Buffer.from('{"eventID"')));
});

test("a later occurrence counts if the first has another value", () => {
  assert.ok(both.matches(Buffer.from('{"eventID":"1","x":{"eventID":"1102"}}')));
});

test("exactly the relevant lines of a long buffer are found, in order", () => {
  const lines: string[] = [];
  const wanted: string[] = [];
  for (let i = 0; i < 6000; i++) {
    const pad = "x".repeat((i * 7919) % 997);
    // Runs of one kind, then of the other, then none for longer than a stretch.
    const kind = i % 1500 < 20 ? 1 : i % 1500 > 1490 ? 2 : i % 97 === 0 ? 3 : 0;
    const fill = [
      '"eventID":"4624"',
      '"eventID":"4625"',
      '"p":"fail2ban.actions"',
      '"eventID":"4624","b":"fail2ban.actions"',
    ];
    const line = `{"n":${i},"pad":"${pad}",${fill[kind]}}`;
    lines.push(line);
    if (kind > 0) wanted.push(line);
  }
  assert.deepEqual(relevantLines(both, lines), wanted);
});

test("a hit is found wherever it is in the buffer", () => {
  const line = '{"eventID":"4625"}';
  for (let pad = 8 * 1024 - 40; pad < 8 * 1024 + 40; pad++) {
    assert.deepEqual(relevantLines(both, ["y".repeat(pad), line, "z"]), [line]);
    assert.deepEqual(relevantLines(both, ["y".repeat(pad), "fail2ban.actions", line]), ["fail2ban.actions", line]);
  }
});

test("the line that comes first is reported first, whichever needle it holds", () => {
  const line = '{"eventID":"4625"}';
  assert.deepEqual(relevantLines(both, [line, "fail2ban.actions"]), [line, "fail2ban.actions"]);
  const short = new Relevance([{ kind: "text", bytes: Buffer.from("x") }, text]);
  assert.deepEqual(relevantLines(short, ["x", "fail2ban.actions"]), ["x", "fail2ban.actions"]);
});

test("bytes before the start and from the end on are not examined", () => {
  const bytes = Buffer.from('{"eventID":"4625"}\n{}\nfail2ban.actions\n');
  assert.equal(both.next(bytes, 19, 22), -1);
  assert.equal(both.next(bytes, 22, 37), -1);
  assert.ok(both.next(bytes, 19, bytes.length) >= 22);
});

test("the buffer may be filled again between two calls", () => {
  const bytes = Buffer.from('{"eventID":"1"}\n{"eventID":"4625"}\n');
  assert.ok(both.next(bytes, 0, bytes.length) >= 16);
  bytes.write('{"eventID":"2"}\n{"eventID":"4624"}\n');
  assert.equal(both.next(bytes, 0, bytes.length), -1);
  bytes.write('{"eventID":4625}{"eventID":"4624"}\n');
  assert.equal(both.next(bytes, 0, bytes.length), 1);
});

test("with a needle that matches everything every line is a hit, even an empty one; without needles none is", () => {
  const all = new Relevance([key, { kind: "all" }]);
  assert.deepEqual(relevantLines(all, ["a", "", "b"]), ["a", "", "b"]);
  assert.ok(all.matches(Buffer.alloc(0)));
  assert.equal(all.next(Buffer.from("a\n"), 2, 2), -1);
  assert.deepEqual(relevantLines(new Relevance([]), ["a"]), []);
});
