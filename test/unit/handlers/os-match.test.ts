import assert from "node:assert/strict";
import { test } from "node:test";
import { osMatch } from "../../../daemon/handlers/os-match.ts";

const cases: [pattern: string, text: string, isMatch: boolean][] = [
  ["log", "/var/log/syslog", true],
  ["LOG", "/var/log/syslog", true],
  ["log", "/VAR/LOG", true],
  ["x", "/var/log/syslog", false],
  ["^/var", "/var/log", true],
  ["^var", "/var/log", false],
  ["log$", "/var/log", true],
  ["var$", "/var/log", false],
  ["^dfn$", "dfn", true],
  ["^dfn$", "dfn2", false],
  ["^dfn$", "xdfn", false],
  ["a|^b|c$", "xax", true],
  ["a|^b|c$", "bx", true],
  ["a|^b|c$", "xb", false],
  ["a|^b|c$", "xc", true],
  ["!^dfn$", "dfn", false],
  ["!^dfn$", "syslog", true],
  ["!a|b", "b", false],
  ["!a|b", "c", true],
  ["a!b", "a!b", true],
  ["", "anything", true],
  ["a|", "anything", true],
  ["a.c", "abc", false],
  ["a.c", "xa.cx", true],
  ["Ä", "ä", false],
];

for (const [pattern, text, isMatch] of cases) {
  test(`"${pattern}" ${isMatch ? "matches" : "does not match"} "${text}"`, () => {
    assert.equal(osMatch(pattern)(text), isMatch);
  });
}
