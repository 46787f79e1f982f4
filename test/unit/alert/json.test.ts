import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Document, Member, NotJson } from "../../../daemon/alert/json.ts";
import type { Value } from "../../../daemon/alert/value.ts";
import { generator } from "./generator.ts";

const members = (text: string) => new Document(Buffer.from(text)).members;

/** The value as plain data, read by means of the spans. */
function unfold(value: Value): unknown {
  if (value instanceof Member && value.kind === "object") {
    return Object.fromEntries(Array.from(value.members(), (it) => [it.key, unfold(it)]));
  }
  if (value.kind === "array") return Array.from(value.elements(), unfold);
  if (value.kind === "string") return value.text;
  const scalar: unknown = JSON.parse(value.text);
  return scalar;
}

function seen(text: string): unknown {
  try {
    return Object.fromEntries(Array.from(members(text), (it) => [it.key, unfold(it)]));
  } catch (reason) {
    assert.ok(reason instanceof NotJson, text);
    return undefined;
  }
}

/** What JSON.parse returns; undefined if it refuses the text, or if the result is not an object. */
function expected(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && !Array.isArray(value) ? (value ?? undefined) : undefined;
  } catch {
    return undefined; // Not being JSON is a valid answer.
  }
}

test("every golden line is read as JSON.parse reads it", () => {
  const lines = readFileSync("test/data/wire/wire.jsonl", "utf8").trimEnd().split("\n");
  for (const line of lines) assert.deepEqual(seen(line), expected(line));
});

test("lines with random damage are accepted, refused and read exactly as by JSON.parse", () => {
  const next = generator(7);
  const seeds = [
    '{"a":"b","c":[1,-2.5e+3,true,false,null,{}],"d":{"e":[],"f":{"g":"\\u00e4\\n\\"\\\\"}},"h":0.1}',
    '{ "k" : [ [ ] , { } , [ [ "x" ] , 0 ] , -0 , 10e-1 ] , "t" : "a\\/b\\uD83D\\uDE00" }',
    '{"timestamp":"x","rule":{"level":3,"groups":["a","b"]},"n":12345678901234567890}',
  ];
  const pieces = [...Array.from('"{}[],:\\01-+.eEtu \t\u0001xä'), "null", "\\u", "{}", "[]", '":', "", "", "", ""];
  let accepted = 0;
  for (let round = 0; round < 30_000; round++) {
    let text = seeds[next(seeds.length)] ?? "";
    for (let edits = 1 + next(2); edits > 0; edits--) {
      const at = next(text.length + 1);
      text = text.slice(0, at) + (pieces[next(pieces.length)] ?? "") + text.slice(at + next(3));
    }
    const wanted = expected(text);
    assert.deepEqual(seen(text), wanted, text);
    if (wanted !== undefined) accepted++;
  }
  assert.ok(accepted > 1000, `only ${accepted} of the damaged lines were still JSON`);
});

test("every truncated line is refused at its end", () => {
  const whole = '{"a":["b",{"c":-1.5e3}],"d":true,"e":"\\u00e4"}';
  for (let length = 0; length < whole.length; length++) {
    assert.throws(
      () => members(whole.slice(0, length)),
      (reason) => reason instanceof NotJson && reason.offset === length,
      whole.slice(0, length),
    );
  }
});

test("the offset of an error is the offset of its byte", () => {
  const offsets: [string, number][] = [
    ["[]", 0],
    ['{"a":1}x', 7],
    ['{"a":1,}', 7],
    ['{"a":"b\u0001"}', 7],
    ['{"a":"\\x"}', 7],
    ['{"a":"\\u00g0"}', 10],
    ['{"a":01}', 6],
    ['{"a":[1}', 7],
    ['{"a":tru}', 8],
    ['{"ä":}', 6],
  ];
  for (const [text, offset] of offsets) {
    assert.throws(
      () => members(text),
      (reason) => reason instanceof NotJson && reason.offset === offset && reason.message.includes(String(offset)),
      text,
    );
  }
});

const nested = (depth: number): string => `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;

test("a thousand levels are read, one more is refused", () => {
  assert.equal(members(nested(1000)).isEmpty, false);
  assert.throws(() => members(nested(1001)), NotJson);
  assert.throws(() => members('{"a":'.repeat(100_000)), NotJson);
});

test("bytes that are not UTF-8 are accepted inside strings and nowhere else", () => {
  const bytes = Buffer.from('{"a":"x\xff\xc3"}', "latin1");
  assert.equal(new Document(bytes).members.get("a")?.text, "x\ufffd\ufffd");
  assert.deepEqual(new Document(bytes).members.get("a")?.raw, Buffer.from('"x\xff\xc3"', "latin1"));
  assert.throws(() => new Document(Buffer.from('{"a":\xff}', "latin1")), NotJson);
});

test("a value that is not a string keeps its text to the digit", () => {
  const text = '{"big":90071992547409931234567890,"small":1.10,"e":1E400,"o":{"a" : 1, "a" : 2},"n":null}';
  const found = Array.from(members(text), (it) => it.text);
  assert.deepEqual(found, ["90071992547409931234567890", "1.10", "1E400", '{"a" : 1, "a" : 2}', "null"]);
});

test("a lone surrogate escape survives as one", () => {
  assert.equal(members('{"a":"x\\ud800y"}').get("a")?.text, "x\ud800y");
});

test("of equal keys the last is found, and all are listed", () => {
  const found = members('{"a":1,"b":2,"a":3}');
  assert.equal(found.get("a")?.text, "3");
  assert.deepEqual(
    Array.from(found, (it) => it.key + it.text),
    ["a1", "b2", "a3"],
  );
});

test("keys are found however they are written, and none is treated specially", () => {
  const found = members('{"\\u0069d":1,"ä":2,"__proto__":3,"constructor":4,"0":5,"":6}');
  const keys = ["id", "ä", "__proto__", "constructor", "0", "", "i", "toString", "idx"];
  assert.deepEqual(
    keys.map((key) => found.get(key)?.text),
    ["1", "2", "3", "4", "5", "6", undefined, undefined, undefined],
  );
});

test("something that is not an object has no members, and something that is not an array has no elements", () => {
  const found = members('{"s":"{","a":[1],"o":{"k":1}}');
  assert.equal(found.get("s")?.members().isEmpty, true);
  assert.equal(found.get("a")?.members().isEmpty, true);
  assert.deepEqual([...(found.get("o")?.elements() ?? [])], []);
});

const has = (text: string): boolean => new Document(Buffer.from(text)).hasInexactNumber;

test("a number that a double cannot hold exactly is noticed at any depth; the letter e and digits elsewhere are not", () => {
  assert.equal(has('{"a":[{"b":9.00719925474099e+15}]}'), true);
  assert.equal(has('{"a":1E5}'), true);
  assert.equal(has('{"a":9007199254740993}'), true);
  assert.equal(has('{"a":-0.1234567890123456}'), true);
  assert.equal(has('{"a":123456789012345,"b":"9007199254740993","9007199254740993":-123456789012345}'), false);
  assert.equal(has('{"a":"1e5","e":true,"b":15.5}'), false);
});

test("documents that are queried in turn, even after a line that is not JSON, each give their own members", () => {
  const texts = ['{"a":{"b":{"c":1}},"d":2}', ' {"x":"y","a":{"n":0,"b":{"d":5,"c":6}}}', '{"a":{"b":[]}}'];
  const documents = texts.map((text) => new Document(Buffer.from(text)));
  const found = documents.map(({ members: all }) => all.get("a"));
  assert.throws(() => members('{"a":{"b":{"c":[[[[1'), NotJson);
  const inner = found.map((member) => member?.members().get("b")?.members());
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(
      inner.map((all) => all?.get("c")?.text),
      ["1", "6", undefined],
    );
  }
  const [first, second] = documents.map(({ members: all }) => Array.from(all, (it) => it.key));
  assert.deepEqual(
    [first, second],
    [
      ["a", "d"],
      ["x", "a"],
    ],
  );
});

test("members are still found after another document was read in between", () => {
  const keys: string[] = [];
  for (const member of members('{"a":{"b":1},"c":{},"d":3}')) {
    keys.push(member.key);
    members('{"other":{"text":[1,2,3]}}');
  }
  assert.deepEqual(keys, ["a", "c", "d"]);
});

test("objects inside an array are not members of what holds it", () => {
  const all = members('{"a":[{"k":1},[{"k":{"k":2}}]],"o":{"a":[{"z":1}],"k":3},"k":4}');
  assert.deepEqual(
    Array.from(all, (it) => it.key),
    ["a", "o", "k"],
  );
  assert.equal(all.get("o")?.members().get("k")?.text, "3");
  assert.deepEqual(
    Array.from(all.get("a")?.elements() ?? [], (it) => it.text),
    ['{"k":1}', '[{"k":{"k":2}}]'],
  );
});

test("looking up several keys at once gives the same as one by one, in any order, with the last of equal keys", () => {
  const all = members('{"b":1,"a":2,"\\u0063":3,"x":4,"a":5,"d":null,"b":6}');
  const keys = ["a", "b", "c", "d", "e", "a"];
  assert.deepEqual(
    all.named(["a", "b", "c", "d", "e"]).map((it) => it?.text),
    ["5", "6", "3", "null", undefined],
  );
  for (const key of keys) assert.equal(all.named([key])[0]?.text, all.get(key)?.text);
});

test("a line that is nothing but members, in width or in depth, is read to the last one", () => {
  const count = 300_000;
  const wide = members(`{${'"":0,'.repeat(count)}"":{"":1}}`);
  assert.equal(Array.from(wide).length, count + 1);
  assert.equal(wide.get("")?.members().get("")?.text, "1");
  let depth = 1;
  for (let member = members('{"":'.repeat(1000) + "0" + "}".repeat(1000)).get(""); member?.kind === "object"; depth++) {
    member = member.members().get("");
  }
  assert.equal(depth, 1000);
});
