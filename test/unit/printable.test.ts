import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import {
  command,
  printable,
  printableJson,
  printableLines,
  shellWord,
  toPrintableJson,
} from "../../daemon/printable.ts";

/** One of each kind that could control a terminal, hide text, or change the order in which it is read. */
const steering = [
  ...Array.from("\u0000\u0007\b\t\n\u000b\f\r\u001b\u007f\u0085\u009b\u009d\u00ad\u061c\u180e\u200b\u200d\u200e\u200f"),
  ...Array.from("\u2028\u2029\u202a\u202e\u2060\u2066\u2069\ufeff\ufff9\u{e0001}\u{e0041}"),
  "\ud800",
  "\udc00",
];

test("nothing that could control a terminal is left in a line, and other text is unchanged", () => {
  for (const character of steering) {
    assert.match(printable(`a${character}b`), /^a(\\u[0-9a-f]{4})+b$/, JSON.stringify(character));
  }
  const harmless = 'Grüße "\\u001b" 漢字 \u{1f600} e\u0301 /path with blank';
  assert.equal(printable(harmless), harmless);
  assert.equal(printableLines("a\nb\r\n"), "a\nb\\u000d\n");
});

test("JSON for a terminal holds the same value", () => {
  const value = { [`k\u009b${steering.join("")}`]: [`v${steering.join("")}`, { deep: "\u202e" }] };
  for (const indent of [undefined, 2]) {
    const json = toPrintableJson(value, indent);
    assert.deepEqual(JSON.parse(json), value);
    assert.equal(printableLines(json), json);
  }
  const spaced = '{"a":\r\t"\u009b"\r\n}';
  assert.deepEqual(JSON.parse(printableJson(spaced)), JSON.parse(spaced));
  assert.doesNotMatch(printableJson(spaced), /[\r\t\u009b]/);
});

test("a word of a command reaches the program unchanged, whatever is in it", () => {
  const words = ["plain", "a b", "$(id)", "`id`", "'; id; '", "", "-rf", "=ls", "~root", "a\nb", "*", "é", "a\\", "!x"];
  for (const word of words) {
    const printed = execFileSync("/bin/sh", ["-c", `printf '%s|' -- ${shellWord(word)}`], { encoding: "utf8" });
    assert.equal(printed, `--|${word}|`);
  }
  assert.equal(command`ls -l ${"/var/lib/x"}; kill ${7}`, "ls -l /var/lib/x; kill 7");
  assert.equal(command`ls -l ${"/tmp/$(id)"}`, "ls -l '/tmp/$(id)'");
});
