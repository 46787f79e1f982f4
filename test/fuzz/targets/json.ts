import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { Alert } from "../../../daemon/alert/alert.ts";
import { maxDepth } from "../../../daemon/kernel/memory.ts";
import { Document, Member, NotJson, type Members } from "../../../daemon/alert/json.ts";
import { reprint } from "../../../daemon/alert/reprint.ts";
import type { Value } from "../../../daemon/alert/value.ts";
import { jsonObject } from "../../../daemon/handlers/json-value.ts";
import { depthOf, parsedObject, withoutStrings } from "../oracles.ts";
import { alerts, alertWords, hostileJson } from "../seeds.ts";
import type { Target } from "../target.ts";

/** Each level is scanned again by whoever looks into it; below this one only JSON.parse looks. */
const levels = 20;
/** A look-up goes through all keys. */
const lookups = 30;

/** The parser compared with JSON.parse: what is accepted, every value, and that printing spans changes nothing. */
export const json: Target = {
  name: "json",
  seeds: [...hostileJson, ...alerts],
  words: alertWords,
  testInputs: 1000,
  open: () => ({ judge, work: look }),
};

/** Everything that is read from an alert; none of it may throw. */
function look(input: Buffer): Alert {
  const alert = Alert.parse(input);
  const { id, managerName, agentId, agentName, agentIp, timestamp, location, ruleId } = alert;
  const names = [id, alert.nodeOr(undefined), managerName, agentId, agentName, agentIp, timestamp, location, ruleId];
  assert.ok(names.every((name) => name === undefined || typeof name === "string"));
  assert.ok(alert.ruleLevel === undefined || typeof alert.ruleLevel === "number");
  assert.ok([...alert.groups(), ""].every((group) => typeof group === "string") && typeof alert.isOwn === "boolean");
  return alert;
}

function judge(input: Buffer): string {
  const before = Buffer.from(input);
  const text = input.toString("utf8");
  const parsed = parsedObject(input);
  const expected = parsed !== undefined && depthOf(text) <= maxDepth ? parsed : undefined;
  let alert: Alert;
  try {
    alert = look(input);
  } catch (reason) {
    if (!(reason instanceof NotJson)) throw reason;
    assert.equal(expected, undefined, "refused, and JSON.parse accepts");
    assert.ok(reason.offset >= 0 && reason.offset <= input.length, "the offset is in the text");
    return reason.message.replace(/ at byte \d+$/, "");
  }
  assert.ok(expected !== undefined, "accepted, and JSON.parse refuses");
  const { members, hasInexactNumber, hasForeignForm } = new Document(input);
  compare(members, expected, 1);
  const bare = withoutStrings(text);
  assert.equal(hasInexactNumber, /\d[eE]/.test(bare) || /(?:\d\.?){16}/.test(bare), "a number that is not exact");
  printAgain(input, hasForeignForm);
  print(members);
  assert.ok(input.equals(before), "the input is not changed");
  assert.equal(alert.bytes, input);
  return `${Math.min([...members].length, 8)} members, ${isUtf8(input) ? "" : "no "}UTF-8, ${hasInexactNumber ? "inexact" : ""}`;
}

/** What cJSON would make of it: JSON that says the same, and the same again when it is printed once more. */
function printAgain(input: Buffer, hasForeignForm: boolean): void {
  const printed = reprint(input);
  assert.ok(reprint(printed).equals(printed), "printing twice changes nothing");
  if (!hasForeignForm) assert.ok(printed.equals(input), "what is in the form already stays");
  const again = new Document(printed);
  assert.equal(again.hasForeignForm && !/[\d.][eE]|\.\d|\d{16}|\\u/.test(printed.toString("latin1")), false);
}

function compare(members: Members, expected: object, level: number): void {
  const last = new Map<string, Member>();
  const listed = [...members];
  assert.equal(members.isEmpty, listed.length === 0);
  for (const member of listed) last.set(member.key, member);
  const wanted = Object.entries(expected) as [string, unknown][];
  assert.equal(last.size, wanted.length, "keys");
  const some = wanted.slice(0, lookups).map(([key]) => key);
  for (const keys of [some, some.toReversed()]) {
    const starts = members.named(keys).map((member) => member?.start);
    assert.deepEqual(
      starts,
      keys.map((key) => last.get(key)?.start),
      "the last one of each key is found",
    );
  }
  for (const [index, [key, value]] of wanted.entries()) {
    const found = last.get(key);
    assert.ok(found !== undefined, `the key ${key}`);
    if (index < lookups) assert.equal(members.get(key)?.start, found.start, "the last one of a key is found");
    compareValue(found, value, level);
  }
}

function compareValue(found: Value, expected: unknown, level: number): void {
  if (level >= levels || (typeof expected === "object" && !Array.isArray(expected) && !(found instanceof Member))) {
    assert.equal(JSON.stringify(JSON.parse(found.raw.toString())), JSON.stringify(expected));
  } else if (Array.isArray(expected)) {
    assert.equal(found.kind, "array");
    const elements = [...found.elements()];
    assert.equal(elements.length, expected.length);
    for (const [index, element] of elements.entries()) compareValue(element, expected[index], level + 1);
  } else if (typeof expected === "object" && expected !== null) {
    assert.equal(found.kind, "object");
    assert.ok(found instanceof Member);
    compare(found.members(), expected, level + 1);
  } else if (typeof expected === "string") {
    assert.ok(found.kind === "string" && found.text === expected, "a string");
  } else {
    assert.equal(found.text, found.raw.toString(), "as it was written");
    assert.ok(Object.is(JSON.parse(found.text), expected), "a number or a word");
  }
}

/** Members that are put into another object and read from there are the same to the byte. */
function print(members: Members): void {
  const all = [...members];
  const printed = jsonObject(all.map((member, index) => [`m${index}`, member]));
  assert.ok(isUtf8(printed) && parsedObject(printed) !== undefined, "what is printed is JSON");
  // One document after the other: positions of members are known for the last one only, and alternating scans again.
  const wanted = all.map(({ raw }) => (isUtf8(raw) ? raw : Buffer.from(raw.toString())));
  const again = [...new Document(printed).members].map(({ raw }) => raw);
  assert.equal(again.length, all.length);
  for (const [index, raw] of wanted.entries()) assert.ok(again[index]?.equals(raw), "spliced bytes are unchanged");
}
