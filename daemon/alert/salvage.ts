import { Scanner, skipSpace } from "./scanner.ts";

/** A stretch of bytes: from `start` up to, not including, `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

interface Salvage {
  /** The alerts that are whole in the line, in their order. */
  readonly alerts: readonly Span[];
  /** Everything else, in its order; never empty spans. */
  readonly rest: readonly Span[];
}

/** How every alert begins (Wazuh 4.14 source: src/analysisd/format/to_json.c:45). */
const beginning = Buffer.from('{"timestamp":"');
const closing = 0x7d;
/** What precedes a value in JSON: a colon, a comma, a bracket. */
const valueMarks = Buffer.from(":,[");
/** Follows the timestamp of an alert (Wazuh 4.14 source: src/analysisd/format/to_json.c:45-63). */
const ruleMark = Buffer.from('","rule":{');
/** `beginning`, a timestamp and `ruleMark` take less. */
const longestHeadBytes = 80;

/**
 * Finds the whole alerts in a line that is not JSON. analysisd flushes blocks of 4 KiB, so when it is killed the last
 * line is torn, and the next start continues in the same line. An alert counts as whole when it begins as every alert
 * does, is valid, and is followed by the end of the line or by the beginning of another alert.
 *
 * Takes time in proportion to the line, whatever it holds. The quotes in `beginning` end any string that a torn alert
 * left open, so a scan that meets a beginning either fails within it or takes it for a nested object. What failed at
 * byte f therefore decides for every beginning before f as well: those nested in it end nowhere before f, except the one
 * object that was closed right before f. So the search continues at f, and no byte is scanned more than a few times.
 */
export function salvage(line: Buffer): Salvage {
  const alerts: Span[] = [];
  const rest: Span[] = [];
  let settled = 0;
  const take = (start: number, end: number): void => {
    if (start > settled) rest.push({ start: settled, end: start });
    alerts.push({ start, end });
    settled = end;
  };
  // What is inside an alert does not matter here, but the scanner notes it.
  const tape = new Int32Array(line.length);
  for (let at = line.indexOf(beginning); at >= 0; at = line.indexOf(beginning, at)) {
    const scanner = new Scanner(line, tape);
    const end = scanner.object(at);
    if (end >= 0) {
      if (isFollowed(line, end)) take(at, end);
      at = end;
      continue;
    }
    const { closedStart, closedEnd, failedAt } = scanner;
    if (closedEnd === lastByte(line, failedAt) && beginsAt(line, closedStart) && isFollowed(line, closedEnd)) {
      take(closedStart, closedEnd);
    }
    // A beginning that ends an open string is noticed at its third byte.
    at = Math.max(at + 1, failedAt - 2, settled);
  }
  if (settled < line.length) rest.push({ start: settled, end: line.length });
  return { alerts, rest };
}

/**
 * Whether a line that no handler asks for may hold an alert that was cut, perhaps before the bytes that a handler looks
 * for: it begins like an alert and does not end like one, or another alert begins in the middle of it. Takes time in
 * proportion to the line. Never false for a line that analysisd began, was killed in, and continued.
 */
export function mayBeTorn(line: Buffer): boolean {
  const end = lastByte(line, line.length);
  if (end === 0) return false;
  if (line[0] === beginning[0] && line[end - 1] !== closing && isBegun(line)) return true;
  for (let at = line.indexOf(beginning, 1); at >= 0; at = line.indexOf(beginning, at + 1)) {
    if (!isNested(line, at)) return true;
  }
  return false;
}

/** Whether the line begins as an alert does, as far as it goes. */
function isBegun(line: Buffer): boolean {
  const length = Math.min(line.length, beginning.length);
  return line.subarray(0, length).equals(beginning.subarray(0, length));
}

/** A value of the alert that begins like an alert; events of Suricata do. Only alerts continue with their rule. */
function isNested(line: Buffer, at: number): boolean {
  if (!valueMarks.includes(line[at - 1] ?? 0)) return false;
  return !line.subarray(at, at + longestHeadBytes).includes(ruleMark);
}

function beginsAt(line: Buffer, at: number): boolean {
  return at >= 0 && line.subarray(at, at + beginning.length).equals(beginning);
}

function isFollowed(line: Buffer, at: number): boolean {
  return skipSpace(line, at, line.length) === line.length || beginsAt(line, at);
}

/** The index after the last byte before `at` that is not whitespace. */
function lastByte(line: Buffer, at: number): number {
  let i = at;
  while (i > 0 && line[i - 1]! <= 0x20) i--;
  return i;
}
