import { inQuotes, InvalidValue } from "./problem.ts";

const form = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?\s?(Z|[+-]\d\d:?\d\d))?$/i;

/**
 * Reads a moment: `2026-11-21` (its first moment in UTC), or with time and zone `2026-11-21T10:00:00Z`,
 * `2026-11-21 10:00+01:00`, and the form of Wazuh's alerts, `2026-11-21T10:00:00.123+0100`.
 * A time without a zone is refused, since it would mean another moment on another machine. Throws InvalidValue.
 */
export function readTimestamp(text: string): Date {
  const match = form.exec(text.trim());
  if (match !== null) {
    const [, year, month, day, hour = "00", minute = "00", second = "00", fraction = "", zone = "Z"] = match;
    const offset = zone.toUpperCase() === "Z" ? "Z" : `${zone.slice(0, 3)}:${zone.slice(-2)}`;
    const millis = fraction.slice(0, 4);
    const local = `${year ?? ""}-${month ?? ""}-${day ?? ""}T${hour}:${minute}:${second}`;
    const moment = new Date(`${local}${millis}${offset}`);
    // Date takes 31 February for 3 March; the calendar does not.
    const sameDay = new Date(`${local}Z`);
    if (!Number.isNaN(moment.getTime()) && sameDay.getUTCDate() === Number(day)) return moment;
  }
  throw new InvalidValue(
    `${inQuotes(text)} is not a time; use e.g. 2026-11-21, 2026-11-21T10:00:00Z or 2026-11-21T10:00:00+01:00`,
  );
}
