const prefix = Buffer.from('{"timestamp":"');
const zero = 0x30;
const minus = 0x2d;
const plus = 0x2b;
const minuteMs = 60_000;

/** The day and the zone of the last alert, and when that day began there: most alerts are of the same. */
let lastDay = -1;
let lastZone = -1;
let lastBeganMs = Number.NaN;

/** Set by `two` when it met anything but digits. */
let isBad = false;

/**
 * An alert's own time, in milliseconds since 1970, from where analysisd and integratord write it: `2026-11-21T11:24:00.123+0100`,
 * first in the alert (Wazuh 4.14 source: analysisd/format/to_json.c:45). Reads bytes alone and makes no text; it is called
 * for each alert that is shipped.
 * @returns NaN if it is not there, or not in that form
 */
export function alertTimeMs(bytes: Buffer): number {
  const at = prefix.length;
  if (bytes.length < at + 28) return Number.NaN;
  for (let index = 0; index < at; index++) if (bytes[index] !== prefix[index]) return Number.NaN;
  isBad = false;
  const day = ((two(bytes, at) * 100 + two(bytes, at + 2)) * 100 + two(bytes, at + 5)) * 100 + two(bytes, at + 8);
  const second = (two(bytes, at + 11) * 60 + two(bytes, at + 14)) * 60 + two(bytes, at + 17);
  const ms = two(bytes, at + 20) * 10 + (two(bytes, at + 21) % 10);
  const sign = bytes[at + 23]!;
  const zone = (sign === minus ? 100_000 : 0) + two(bytes, at + 24) * 60 + two(bytes, at + 26);
  if (isBad || (sign !== minus && sign !== plus)) return Number.NaN;
  if (day !== lastDay || zone !== lastZone) begin(day, zone);
  return lastBeganMs + second * 1000 + ms;
}

/** @param day as `20261121` @param zone minutes east of Greenwich, or 100,000 and the minutes west of it */
function begin(day: number, zone: number): void {
  const offset = zone >= 100_000 ? 100_000 - zone : zone;
  lastBeganMs = Date.UTC(Math.floor(day / 10_000), (Math.floor(day / 100) % 100) - 1, day % 100) - offset * minuteMs;
  lastDay = day;
  lastZone = zone;
}

/** A number of two digits. */
function two(bytes: Buffer, at: number): number {
  const tens = bytes[at]! - zero;
  const ones = bytes[at + 1]! - zero;
  if (tens < 0 || tens > 9 || ones < 0 || ones > 9) isBad = true;
  return tens * 10 + ones;
}
