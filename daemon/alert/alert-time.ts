const prefix = Buffer.from('{"timestamp":"');
const zero = 0x30;
const minus = 0x2d;
const plus = 0x2b;
const minuteMs = 60_000;

/**
 * An alert's own time, in milliseconds since 1970, from where analysisd and integratord write it: `2026-11-21T11:24:00.123+0100`,
 * first in the alert (Wazuh 4.14 source: analysisd/format/to_json.c:45). Reads bytes alone and makes no text.
 * @returns NaN if it is not there, or not in that form
 */
export function alertTimeMs(bytes: Buffer): number {
  if (bytes.length < prefix.length + 28) return Number.NaN;
  for (let at = 0; at < prefix.length; at++) if (bytes[at] !== prefix[at]) return Number.NaN;
  const at = prefix.length;
  const year = two(bytes, at) * 100 + two(bytes, at + 2);
  const month = two(bytes, at + 5);
  const day = two(bytes, at + 8);
  const hour = two(bytes, at + 11);
  const minute = two(bytes, at + 14);
  const second = two(bytes, at + 17);
  const ms = two(bytes, at + 20) * 10 + (two(bytes, at + 21) % 10);
  const sign = bytes[at + 23] === minus ? -1 : bytes[at + 23] === plus ? 1 : Number.NaN;
  const offset = two(bytes, at + 24) * 60 + two(bytes, at + 26);
  return Date.UTC(year, month - 1, day, hour, minute, second, ms) - sign * offset * minuteMs;
}

/** A number of two digits; NaN if they are not digits. */
function two(bytes: Buffer, at: number): number {
  const tens = bytes[at]! - zero;
  const ones = bytes[at + 1]! - zero;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}
