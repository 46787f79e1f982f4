/**
 * The members by which the forwarder knows an alert, as numbers: found in one walk over the tape of the text that was
 * scanned last.
 */
import { memberSize, kernelRow, kernelText, kernelTape } from "./memory.ts";

/** The places of a row where a value begins; where it ends is in the next place. */
export const rowPlace = {
  id: 0,
  timestamp: 2,
  agentId: 4,
  agentName: 6,
  agentIp: 8,
  ruleId: 10,
  ruleLevel: 12,
  node: 14,
  managerName: 16,
  location: 18,
  integration: 20,
} as const;

/** In both places of a value that is missing, or is neither a string nor a number. */
export const missing = -1;

/** One key that matters, and what hangs on it. */
interface WantedKey {
  /** With its quotes. */
  readonly key: Uint8Array;
  /** The place in the row of its value, or `missing` if the value itself does not matter. */
  readonly place: number;
  /** The keys that matter in its value. */
  readonly inside: WantedKeys;
  /** The places of all of them: a key that comes again takes back what was found below it. */
  readonly below: readonly number[];
  /** Another one of the same length. */
  readonly next: WantedKey | undefined;
}

/** The keys that matter in one object, by their length with the quotes. */
type WantedKeys = readonly (WantedKey | undefined)[];

interface Paths {
  readonly [key: string]: number | Paths;
}

const wanted = keysOf({
  id: rowPlace.id,
  timestamp: rowPlace.timestamp,
  agent: { id: rowPlace.agentId, name: rowPlace.agentName, ip: rowPlace.agentIp },
  rule: { id: rowPlace.ruleId, level: rowPlace.ruleLevel },
  cluster: { node: rowPlace.node },
  manager: { name: rowPlace.managerName },
  location: rowPlace.location,
  data: { integration: rowPlace.integration },
});

/**
 * Fills the row. Where a key repeats, the last one counts, at every level.
 * @param tapeLength what the scan of the text returned; the text begins where the memory does
 * @returns false if a key that may be one of those that matter is written with an escape: the row is not valid then
 */
export function fillPlainRow(tapeLength: number): boolean {
  for (let place = 0; place < kernelRow.length; place++) kernelRow[place] = missing;
  return walk(0, tapeLength, wanted);
}

function walk(from: number, to: number, keys: WantedKeys): boolean {
  const tape = kernelTape;
  const bytes = kernelText;
  for (let at = from; at < to; at = tape[at + 4]!) {
    const start = tape[at]!;
    if (start < 0) {
      if (hasEscape(~start, tape[at + 1]!)) return false;
      continue;
    }
    const length = tape[at + 1]! - start;
    if (length >= keys.length) continue;
    let one = keys[length];
    while (one !== undefined && !isAt(bytes, start, one.key)) one = one.next;
    if (one !== undefined && !note(tape, at, one)) return false;
  }
  return true;
}

/** A member with a key that matters. */
function note(tape: Int32Array, at: number, { place, inside, below }: WantedKey): boolean {
  const first = kernelText[tape[at + 2]!]!;
  if (place !== missing) {
    const isName = first === 0x22 || first === 0x2d || (first >= 0x30 && first <= 0x39);
    kernelRow[place] = isName ? tape[at + 2]! : missing;
    kernelRow[place + 1] = isName ? tape[at + 3]! : missing;
    return true;
  }
  for (let i = 0; i < below.length; i++) kernelRow[below[i]!] = kernelRow[below[i]! + 1] = missing;
  return first !== 0x7b || walk(at + memberSize, tape[at + 4]!, inside);
}

function isAt(bytes: Uint8Array, start: number, key: Uint8Array): boolean {
  for (let i = 1; i < key.length; i++) if (bytes[start + i] !== key[i]) return false;
  return true;
}

function hasEscape(start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (kernelText[i] === 0x5c) return true;
  return false;
}

function keysOf(paths: Paths): WantedKeys {
  const keys: (WantedKey | undefined)[] = [];
  for (const [name, value] of Object.entries(paths)) {
    const key = new Uint8Array(Buffer.from(JSON.stringify(name)));
    while (keys.length <= key.length) keys.push(undefined);
    const next = keys[key.length];
    keys[key.length] =
      typeof value === "number"
        ? { key, place: value, inside: [], below: [], next }
        : { key, place: missing, inside: keysOf(value), below: placesOf(value), next };
  }
  return keys;
}

function placesOf(paths: Paths): number[] {
  return Object.values(paths).flatMap((value) => (typeof value === "number" ? [value] : placesOf(value)));
}
