const dayMs = 86_400_000;

/** Whole days that a certificate has left when somebody has to hear of its end. */
export const certificateDeadline = {
  /** Fewer than these: a warning of `check`, of the doctor and in the log. */
  warningDays: 14,
  /** These or fewer: the status is degraded, since nobody has acted on the warning. */
  degradedDays: 7,
} as const;

/**
 * Whole days until a certificate ends, rounded down; negative when it has ended.
 * @param endMs milliseconds since 1970, as nowMs
 */
export function daysUntil(endMs: number, nowMs: number): number {
  return Math.floor((endMs - nowMs) / dayMs);
}
