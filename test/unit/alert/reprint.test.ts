import assert from "node:assert/strict";
import { test } from "node:test";
import { Document } from "../../../daemon/alert/json.ts";
import { contentDigest, reprint, valueDigest } from "../../../daemon/alert/reprint.ts";

const printed = (text: string): string => reprint(Buffer.from(text)).toString();
const isForeign = (text: string): boolean => new Document(Buffer.from(text)).hasForeignForm;
const digest = (text: string): string => contentDigest(Buffer.from(text), !isForeign(text));

test("an alert is printed as integratord prints it: the cases seen with the real one", () => {
  for (const [line, copy] of [
    ['{ "b" : 1 ,\t"a" : [ 1 , { } ] }', '{"b":1,"a":[1,{}]}'],
    ['{"a":1,"a":2}', '{"a":1,"a":2}'],
    [String.raw`{"a":"\u00e4\u20ac\ud83d\ude00\u0041\/"}`, '{"a":"ä€😀A/"}'],
    [String.raw`{"a":"\u001B\u0009\u0022\u005c"}`, String.raw`{"a":"\u001b\t\"\\"}`],
    [String.raw`{"a":"before\u0000behind \" \\","b":"x"}`, '{"a":"before","b":"x"}'],
    [String.raw`{"a\u0000b":"\u0000"}`, '{"a":""}'],
    ['{"a":1e400,"b":-1e400}', '{"a":null,"b":null}'],
    ['{"a":1.50,"b":100.0,"c":-0,"d":1E2}', '{"a":1.5,"b":100,"c":0,"d":100}'],
  ] as const) {
    assert.equal(printed(line), copy);
    assert.equal(printed(copy), copy, "printing it twice changes nothing");
  }
});

test("a number beyond what a double can hold counts as the same as what integratord prints for it", () => {
  assert.equal(printed('{"a":9007199254740993}'), printed('{"a":9.00719925474099e+15}'));
  assert.equal(printed('{"a":0.12345678901234567}'), printed('{"a":0.123456789012346}'));
});

test("bytes that are not UTF-8 are kept", () => {
  const bytes = Buffer.from('{ "a":"\xff\xc3","b":1}', "latin1");
  assert.deepEqual(
    reprint(bytes),
    bytes.filter((byte) => byte !== 0x20),
  );
});

test("a document in the re-print's form is recognised as such, and one in any other form is not", () => {
  assert.equal(isForeign(String.raw`{"a":"\"\\\n\r\tä","b":[1,-2,{}],"c":null,"d":true,"e":123456789012345}`), false);
  for (const text of [
    '{"a": 1}',
    '{"a" :1}',
    '{ "a":1}',
    '{"a":1 }',
    '{"a":1, "b":2}',
    '{"a":[1 ,2]}',
    '{"a":[ ]}',
    ' {"a":1}',
    '{"a":1}\r',
    String.raw`{"a":"\/"}`,
    String.raw`{"a":"\u0041"}`,
    String.raw`{"\u0041":1}`,
    '{"a":1.5}',
    '{"a":-0}',
    '{"a":1e5}',
    '{"a":1234567890123456}',
  ]) {
    assert.equal(isForeign(text), true, text);
  }
});

test("two copies have the same digest when one is a re-print of the other, and only then", () => {
  const line = String.raw`{"user":"alice","text":"a\/b","n":9007199254740993}`;
  assert.equal(digest(line), digest('{"user":"alice","text":"a/b","n":9.00719925474099e+15}'));
  assert.notEqual(digest(line), digest(line.replace("alice", "mallory")));
  assert.notEqual(digest('{"a":"b"}'), digest('{"a":"b","c":1}'));
  assert.equal(valueDigest(Buffer.from('{"a":"\xff"}', "latin1")), valueDigest(Buffer.from('{"a":"\ufffd"}')));
  assert.notEqual(valueDigest(null), valueDigest(Buffer.from("{}")));
});
