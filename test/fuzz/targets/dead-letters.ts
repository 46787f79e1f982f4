import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { select, type Stored } from "../../../daemon/dead-letters/reader.ts";
import { listed, listLine, shown } from "../../../daemon/commands/dead-letter/text.ts";
import { compact } from "../../../daemon/dead-letters/segments.ts";
import { sweep } from "../../../daemon/dead-letters/sweep.ts";
import { markRemoved, removedFrom, tombstonesOf } from "../../../daemon/dead-letters/tombstones.ts";
import { DeadLetterStore } from "../../../daemon/dead-letters/store.ts";
import { silentLog } from "../../../daemon/telemetry/log.ts";
import { TempDir } from "../../rig/temp-dir.ts";
import { joinParts, partsOf } from "../parts.ts";
import { hostileJson, jsonWords } from "../seeds.ts";
import type { Subject, Target } from "../target.ts";

const letter = {
  version: 1,
  time: "2026-11-21T10:00:00.000Z",
  source: "tail",
  reason: "torn",
  detail: "the file ended in mid-line",
  handler: "windows",
  place: { file: "/alerts.json", offset: 7, length: 3 },
  raw: "e30K",
};
const line = `${JSON.stringify(letter)}\n`;
/** What could control a terminal. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const steering = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

/** A segment of the store and its removals, both hostile: listed, shown, compacted, swept and appended to. */
export const deadLetters: Target = {
  name: "dead-letters",
  seeds: [
    joinParts([line.repeat(3), "2 removed\n"]),
    joinParts([`${line}${line.slice(0, 80)}\n${line}`, "1 removed\n3 rem"]),
    Buffer.from('{"version":1}\n{"version":1,"place":null,"time":7}\n'),
    Buffer.from(
      `${line.replace("torn", "\\u001b[2J")}${line.replace("windows", "\\u009b31m")}${line.replace("2026", "\\n")}`,
    ),
    ...hostileJson.map((json) => joinParts([json, "1 removed\n"])),
  ],
  words: [
    ...jsonWords,
    "\n",
    '{"version":1}\n',
    '"raw":',
    '"place":{',
    "1 removed\n",
    "\n%%\n",
    "\\u001b",
    "\\u009b",
    line,
  ],
  testInputs: 50,
  async open(): Promise<Subject> {
    const temp = await TempDir.create();
    return { judge: (input) => judge(input, temp), close: () => temp[Symbol.asyncDispose]() };
  },
};

async function judge(input: Buffer, temp: TempDir): Promise<string> {
  const [text = Buffer.alloc(0), removals] = partsOf(input, 2);
  await rm(temp.path, { recursive: true });
  await mkdir(temp.path);
  const segment = temp.join("2026-11-21T10-00-00-000Z-999999999-0.ndjson");
  await writeFile(segment, text);
  if (removals !== undefined) await writeFile(tombstonesOf(segment), removals);

  const found = await entries(temp);
  for (const stored of found.letters) {
    assert.ok(!steering.test(listLine(stored)) && !listLine(stored).includes("\n"), "a line of the list");
    assert.ok(!steering.test(shown(stored)), "what is shown");
    assert.ok(JSON.stringify(listed(stored)).length > 0);
  }
  await compact(segment, "raw");
  const shrunk = await entries(temp);
  assert.deepEqual(
    numbersOf(shrunk.letters),
    numbersOf(found.letters),
    "no entry is removed, and each keeps its number",
  );
  assert.ok(shrunk.letters.every(({ letter }) => letter.raw === undefined));
  const bytes = existsSync(segment) ? (await readFile(segment)).length : 0;
  assert.ok(bytes <= text.length + 1 || found.letters.length > 0, "it does not grow");
  if (existsSync(segment)) await compact(segment, "non-alerts");
  const numbers = numbersOf((await entries(temp)).letters);
  const placed = found.letters.filter(({ letter }) => letter.source !== "socket" || !lineFaults.has(letter.reason));
  assert.deepEqual(numbers, numbersOf(placed), "only lines of the socket that are not alerts are removed");

  const store = new DeadLetterStore(temp.path, { maxBytes: 1 << 20, segmentBytes: 1 << 20 }, silentLog);
  const place = { file: "/f", offset: 0, length: 1 };
  await store.add({ source: "tail", reason: "torn", detail: "new", place, bytes: Buffer.from("x") });
  await store[Symbol.asyncDispose]();
  const [first] = numbers;
  if (first !== undefined) {
    await markRemoved(segment, [first]);
    assert.ok((await removedFrom(segment)).has(first));
  }
  await sweep(temp.path);
  const last = await entries(temp);
  assert.equal(
    last.letters.length,
    numbers.length + 1 - (first === undefined ? 0 : 1),
    "what is there after all of it",
  );
  return `${Math.min(numbers.length, 4)} entries, ${Math.min(found.bad, 3)} unreadable`;
}

function numbersOf(letters: readonly Stored[]): number[] {
  return letters.map(({ number }) => number);
}

/** The reason for a line of the socket that is not an alert. */
const lineFaults: ReadonlySet<string> = new Set(["not-json", "over-long"]);

async function entries(temp: TempDir) {
  let bad = 0;
  const letters: Stored[] = [];
  const look = { maxRawBytes: 1 << 24, bad: () => (bad += 1) };
  for await (const stored of select(temp.path, { kind: "all" }, look)) letters.push(stored);
  return { letters, bad };
}
