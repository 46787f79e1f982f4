import type { Alert } from "../alert/alert.ts";
import type { Handler } from "../contract.ts";

/** One condition of a handler. An alert is wanted if all of them hold. */
export interface Condition<Subject> {
  /** Where it looks: keys from the top of the alert. */
  readonly field: readonly [string, ...string[]];
  /** What must hold there, as the end of a sentence that begins with the field: `is one of 4625, 4719`. */
  readonly must: string;
  readonly holds: (subject: Subject) => boolean;
}

/** What one condition found in one alert. */
export interface ConditionResult {
  /** The field with dots: `data.win.system.eventID`. */
  readonly field: string;
  /** See `Condition`. */
  readonly must: string;
  readonly holds: boolean;
  /** The value that decided, as JSON text as it was written; the beginning of a long one. Undefined: there is none. */
  readonly value: string | undefined;
}

/** A handler that says how it decides. */
export interface ExplainedHandler extends Handler {
  /** Each condition and what it found. `record` makes a record, or throws, exactly if all of them hold. Never throws. */
  explain(alert: Alert): readonly ConditionResult[];
}

/** How a handler decides, and what it makes of an alert that it wants. */
interface Decision<Subject> {
  /** What the conditions look at; undefined if the alert has nothing of the kind, and so none of them holds. */
  readonly subject: (alert: Alert) => Subject | undefined;
  readonly conditions: readonly Condition<Subject>[];
  readonly make: (alert: Alert, subject: Subject) => ReturnType<Handler["record"]>;
}

/** Of a value that is shown, this many bytes; a value may have millions. */
const shownBytes = 512;
/** Of a list in the words of a condition, this many; a setting may have thousands. */
const shownNames = 20;

/** Both answers from one list of conditions: what explains a decision is what makes it. */
export function decidedBy<Subject>({
  subject: subjectOf,
  conditions,
  make,
}: Decision<Subject>): Pick<ExplainedHandler, "record" | "explain"> {
  return {
    record(alert) {
      const subject = subjectOf(alert);
      if (subject === undefined) return undefined;
      for (const { holds } of conditions) if (!holds(subject)) return undefined;
      return make(alert, subject);
    },
    explain(alert) {
      const subject = subjectOf(alert);
      return conditions.map(({ field, must, holds }) => ({
        field: field.join("."),
        must,
        holds: subject !== undefined && holds(subject),
        value: shownValue(alert, field),
      }));
    },
  };
}

/** The value at a path as JSON text, at most its beginning; undefined if there is none. */
export function shownValue(alert: Alert, field: readonly [string, ...string[]]): string | undefined {
  const raw = alert.member(...field)?.raw;
  if (raw === undefined) return undefined;
  return raw.length > shownBytes ? `${raw.toString("utf8", 0, shownBytes)}…` : raw.toString();
}

/** The end of a sentence: `is one of a, b`. */
export function isOneOf(names: readonly string[]): string {
  if (names.length === 1) return `is ${names[0]}`;
  return `is one of ${listedNames(names)}`;
}

/** Names in one line, with a bound. */
export function listedNames(names: readonly string[]): string {
  const shown = names.slice(0, shownNames).join(", ");
  return names.length > shownNames ? `${shown} and ${names.length - shownNames} more` : shown;
}
