import assert from "node:assert/strict";
import { salvage, type Span } from "../../../daemon/alert/salvage.ts";
import { maxDepth } from "../../../daemon/kernel/memory.ts";
import { depthOf, endOfJson, parsedObject } from "../oracles.ts";
import { alerts, alertWords, clearedAlert, fail2banAlert, windowsAlert } from "../seeds.ts";
import type { Target } from "../target.ts";

const beginning = Buffer.from('{"timestamp":"');
/** The plain way tries every beginning to the end of the line. */
const longestForModel = 2 * 1024;

/** Torn and joined lines, compared with a search that tries every beginning with JSON.parse. */
export const salvaging: Target = {
  name: "salvage",
  seeds: [
    ...alerts,
    Buffer.concat([windowsAlert.subarray(0, 200), fail2banAlert, clearedAlert.subarray(0, 40), clearedAlert]),
    Buffer.concat([clearedAlert, Buffer.from(" \r"), fail2banAlert, Buffer.from(" \r")]),
    Buffer.from('{"timestamp":"","a":['.repeat(900)),
    Buffer.from('{"timestamp":"","a":{"timestamp":"1"},'.repeat(900)),
    Buffer.from('{"timestamp":"1"}'.repeat(900)),
    Buffer.from(`{"timestamp":"1"}${" ".repeat(900)}`.repeat(20)),
    Buffer.from(`{"timestamp":"3","list":[{"timestamp":"1"},{"timestamp":"2"}`),
  ],
  words: [...alertWords, '{"timestamp":"1"}', '{"timestamp":"', '"}', "}}"],
  testInputs: 500,
  open: () => ({ judge, work: salvage }),
};

function judge(line: Buffer): string {
  const { alerts: found, rest } = salvage(line);
  let at = 0;
  for (const { start, end } of [...found, ...rest].toSorted((a, b) => a.start - b.start)) {
    assert.ok(start === at && end > start, "the spans are the line, nothing lost and nothing twice");
    at = end;
  }
  assert.equal(at, line.length);
  for (const { start, end } of found) {
    assert.ok(parsedObject(line.subarray(start, end)) !== undefined, "what was found is an alert");
  }
  if (line.length <= longestForModel && depthOf(line.toString("latin1")) < maxDepth) {
    assert.deepEqual(found, model(line));
  }
  return `${Math.min(found.length, 4)} alerts, ${Math.min(rest.length, 4)} pieces of rest`;
}

function model(line: Buffer): Span[] {
  const found: Span[] = [];
  for (let at = line.indexOf(beginning); at >= 0; at = line.indexOf(beginning, at)) {
    const end = endOfJson(line, at);
    if (end === undefined) {
      at += 1;
      continue;
    }
    const follows = line.subarray(end);
    if (/^[ \t\r\n]*$/.test(follows.toString("latin1")) || follows.indexOf(beginning) === 0) {
      found.push({ start: at, end });
    }
    at = end;
  }
  return found;
}
