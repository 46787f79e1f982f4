import { inQuotes, InvalidValue } from "./problem.ts";

type Units = readonly (readonly [name: string, factor: number])[];

/** In milliseconds, smallest first. */
const durations: Units = [
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
];

/** In bytes, smallest first. */
const sizes: Units = [
  ["B", 1],
  ["KB", 1000],
  ["KiB", 1024],
  ["MB", 1_000_000],
  ["MiB", 1_048_576],
  ["GB", 1_000_000_000],
  ["GiB", 1_073_741_824],
];

export interface Range {
  readonly least: number;
  readonly most: number;
}

/** Reads `250ms`, `1.5s`, `10m` into milliseconds; a bare `0` needs no unit. Throws Refusal with the range. */
export function readDuration(text: string, range: Range): number {
  return readMeasure(text, range, durations, `a duration such as 100ms, 5s, 10m, 1h or 2d`, formatDuration);
}

/** Reads `900KB` (of 1000), `64MiB` (of 1024) into bytes; a bare `0` needs no unit. Throws Refusal with the range. */
export function readSize(text: string, range: Range): number {
  return readMeasure(text, range, sizes, `a size such as 900KB or 64MiB`, formatSize);
}

/** Milliseconds in the largest unit that gives a whole number: `90s`, `2h`. Read back it is the same value. */
export function formatDuration(ms: number): string {
  return formatMeasure(ms, durations);
}

/** Bytes in the largest unit that gives a whole number: `900KB`, `16MiB`. Read back it is the same value. */
export function formatSize(bytes: number): string {
  return formatMeasure(bytes, sizes);
}

function readMeasure(
  text: string,
  { least, most }: Range,
  units: Units,
  kind: string,
  format: (value: number) => string,
): number {
  const allowed = `allowed is ${kind}, from ${format(least)} to ${format(most)}`;
  const match = /^(\d{1,15}(?:\.\d{1,6})?)\s*([A-Za-z]*)$/.exec(text.trim());
  const amount = Number(match?.[1]);
  const name = match?.[2] ?? "";
  // Case matters only where it tells nothing apart: 64mib and 64MiB are the same.
  const factor = units.find(([unit]) => unit.toLowerCase() === name.toLowerCase())?.[1];
  if (match === null || (factor === undefined && (name !== "" || amount !== 0))) {
    const reason = match !== null && name === "" ? "has no unit" : `is none`;
    throw new InvalidValue(`${inQuotes(text)} ${reason}; ${allowed}`);
  }
  const value = Math.round(amount * (factor ?? 1));
  if (value < least) throw new InvalidValue(`${inQuotes(text)} is too small; ${allowed}`);
  if (value > most) throw new InvalidValue(`${inQuotes(text)} is too large; ${allowed}`);
  return value;
}

function formatMeasure(value: number, units: Units): string {
  const [name, factor] = units.findLast(([, unit]) => value % unit === 0 && value >= unit) ?? ["", 1];
  return `${value / factor}${name}`;
}
