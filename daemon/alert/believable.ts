/** Clocks and lines that differ by less than this, in seconds, are taken to agree. */
export const toleratedSeconds = 3600;

/** A clock that shows a time before this program was written, in milliseconds since 1970, was never set. */
const clockSetMs = Date.UTC(2024, 0, 1);

/**
 * Whether an alert's time may be true: one that is in the future says nothing about those that follow. A clock that was
 * never set, as at 1970, cannot help; then every time is believed, or all that was read before would count as not read.
 * @param second since 1970, as the alert says
 * @param nowMs  milliseconds since 1970, as the machine's clock says
 */
export function isBelievable(second: number, nowMs: number): boolean {
  return nowMs < clockSetMs || second <= nowMs / 1000 + toleratedSeconds;
}
