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
