import { inQuotes, InvalidValue } from "./problem.ts";

type Units<Name extends string> = readonly (readonly [name: Name, factor: number])[];

type DurationUnit = "ms" | "s" | "m" | "h" | "d";
type SizeUnit = "B" | "KB" | "KiB" | "MB" | "MiB" | "GB" | "GiB";

/** In milliseconds, smallest first. */
const durations: Units<DurationUnit> = [
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
];

/** In bytes, smallest first. */
const sizes: Units<SizeUnit> = [
  ["B", 1],
  ["KB", 1000],
  ["KiB", 1024],
  ["MB", 1_000_000],
  ["MiB", 1_048_576],
  ["GB", 1_000_000_000],
  ["GiB", 1_073_741_824],
];

/** A duration as it is written in the code; the file may have blanks and small or capital letters as it likes. */
export type Duration = Measure<DurationUnit>;

/** A size as it is written in the code; see `Duration`. */
export type Bytes = Measure<SizeUnit>;

type Measure<Unit extends string> = `${number}${Unit}` | "0";

export interface Range {
  readonly least: number;
  readonly most: number;
}

/** Reads `250ms`, `1.5s`, `10m` into milliseconds; a bare `0` needs no unit. Throws InvalidValue with the range. */
export function readDuration(text: string, range: Range): number {
  return readMeasure(text, range, durations, ["a duration", "100ms, 5s, 10m, 1h or 2d"], formatDuration);
}

/** Reads `900KB` (of 1000), `64MiB` (of 1024) into bytes; a bare `0` needs no unit. Throws InvalidValue with the range. */
export function readSize(text: string, range: Range): number {
  return readMeasure(text, range, sizes, ["a size", "900KB or 64MiB"], formatSize);
}

/** Milliseconds in the largest unit that gives a whole number: `90s`, `2h`. Read back it is the same value. */
export function formatDuration(ms: number): Duration {
  return formatMeasure(ms, durations);
}

/** Bytes in the largest unit that gives a whole number: `900KB`, `16MiB`. Read back it is the same value. */
export function formatSize(bytes: number): Bytes {
  return formatMeasure(bytes, sizes);
}

/** The form of a duration, for JSON Schema, which has no flag for capital letters. */
export const durationPattern = patternOf(durations);

/** The form of a size, for JSON Schema. */
export const sizePattern = patternOf(sizes);

function patternOf(units: Units<string>): string {
  const names = units.map(([name]) => anyCase(name)).join("|");
  return `^\\s*(\\d{1,15}(\\.\\d{1,6})?\\s*(${names})|0{1,15}(\\.0{1,6})?)\\s*$`;
}

function anyCase(name: string): string {
  return name.replaceAll(/[a-z]/gi, (letter) => `[${letter.toLowerCase()}${letter.toUpperCase()}]`);
}

function readMeasure(
  text: string,
  { least, most }: Range,
  units: Units<string>,
  [kind, examples]: readonly [kind: string, examples: string],
  format: (value: number) => string,
): number {
  const allowed = `use ${kind} such as ${examples}, from ${format(least)} to ${format(most)}`;
  const match = /^(\d{1,15}(?:\.\d{1,6})?)\s*([A-Za-z]*)$/.exec(text.trim());
  const amount = Number(match?.[1]);
  const name = match?.[2] ?? "";
  // Case matters only where it tells nothing apart: 64mib and 64MiB are the same.
  const factor = units.find(([unit]) => unit.toLowerCase() === name.toLowerCase())?.[1];
  if (match === null || (factor === undefined && (name !== "" || amount !== 0))) {
    const reason = match !== null && name === "" ? "has no unit" : `is not ${kind}`;
    throw new InvalidValue(`${inQuotes(text)} ${reason}; ${allowed}`);
  }
  const value = Math.round(amount * (factor ?? 1));
  if (value < least) throw new InvalidValue(`${inQuotes(text)} is too small; ${allowed}`);
  if (value > most) throw new InvalidValue(`${inQuotes(text)} is too large; ${allowed}`);
  return value;
}

function formatMeasure<Name extends string>(value: number, units: Units<Name>): Measure<Name> {
  const found = units.findLast(([, factor]) => value % factor === 0 && value >= factor);
  return found === undefined ? "0" : `${value / found[1]}${found[0]}`;
}
