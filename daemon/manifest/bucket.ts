/** Buckets: the stretches of time in which records are counted. */
import { idSecond } from "../alert/id-second.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** A minute, `2026-11-29T10:00Z`; an hour, `2026-11-29T10Z`; or `none`. */
export const bucketPattern = /^(?:none|\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3])(?::[0-5]\d)?Z)$/;
/** The bucket of ids that name no second. */
export const noBucket = "none";

/** Most alerts are of the minute that the one before was of. */
let lastMinute = -1;
let lastBucket = "";

/** The bucket of an alert: the UTC minute of the second in its id, whatever that is; `none` for an id without one. */
export function bucketOf(id: string): string {
  const second = idSecond(id);
  if (second < 0) return noBucket;
  const minute = Math.floor(second / 60);
  if (minute !== lastMinute) {
    lastMinute = minute;
    lastBucket = minuteBucket(minute * minuteMs);
  }
  return lastBucket;
}

/** The minute of a time in milliseconds since 1970. */
export function minuteBucket(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 16)}Z`;
}

/** The hour of a time in milliseconds since 1970. */
export function hourBucket(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 13)}Z`;
}

/** The hour that a bucket is in; itself for an hour and for `none`. */
export function hourOfBucket(bucket: string): string {
  return bucket.length === 17 ? `${bucket.slice(0, 13)}Z` : bucket;
}

/** A bucket's first moment, in milliseconds since 1970; NaN for `none`, and for a day that the calendar lacks. */
export function bucketStartMs(bucket: string): number {
  if (bucket === noBucket) return Number.NaN;
  const text = bucket.length === 14 ? `${bucket.slice(0, 13)}:00` : bucket.slice(0, 16);
  const startMs = Date.parse(`${text}:00Z`);
  // Date.parse takes 31 February for 3 March.
  return Number.isNaN(startMs) || !new Date(startMs).toISOString().startsWith(text) ? Number.NaN : startMs;
}

/** The first moment after a bucket, in milliseconds since 1970; NaN for `none`. */
export function bucketEndMs(bucket: string): number {
  return bucketStartMs(bucket) + (bucket.length === 14 ? hourMs : minuteMs);
}
