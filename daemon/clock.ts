/**
 * The two clocks of the Kafka sink. Every wait, time-out and duration is measured on the monotonic one, because
 * somebody may set the machine's clock at any moment; a test checks that nothing else here asks for the time of day.
 */

/** Milliseconds since an arbitrary moment. Never goes back, whatever happens to the machine's clock. */
export function monotonicMs(): number {
  return performance.now();
}

/** Milliseconds since 1970 by the machine's clock: for timestamps of records, and for what is shown to people. */
export function timeOfDayMs(): number {
  return Date.now();
}

/**
 * Milliseconds to wait for something that is done about once a period, half a period to one and a half: whoever waits so for
 * the same period is due in the same moment, and wakes the process once.
 */
export function untilNext(periodMs: number, nowMs = monotonicMs()): number {
  const leftMs = periodMs - (nowMs % periodMs);
  return leftMs < periodMs / 2 ? leftMs + periodMs : leftMs;
}
