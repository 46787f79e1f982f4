/** Milliseconds since 1970; undefined: no bound. */
export interface TimeSpan {
  readonly fromMs: number | undefined;
  /** Not included. */
  readonly toMs: number | undefined;
}

/** Whether a second since 1970 begins in the span; one that is not known (-1) does. */
export function isInSpan(second: number, { fromMs, toMs }: TimeSpan): boolean {
  if (second < 0) return true;
  return (fromMs === undefined || second * 1000 >= fromMs) && (toMs === undefined || second * 1000 < toMs);
}
