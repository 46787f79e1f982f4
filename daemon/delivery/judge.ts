import { Alert } from "../alert/alert.ts";
import { NotJson } from "../alert/json.ts";
import { mayBeTorn, salvage, type Span } from "../alert/salvage.ts";
import type { DeadReason, Handler } from "../contract.ts";
import { Relevance } from "./relevance.ts";
import { partsOf, type Part } from "./shipment.ts";

/**
 * What would become of one alert, or of a piece of a line that is not one.
 * - passed-by: no needle is in the line, so no handler is asked.
 * - own: one of the forwarder's own events.
 * - unwanted: no handler wants it.
 * - wanted: handlers made these parts; one that failed gives a dead letter.
 * - broken: it is not an alert, and becomes a dead letter.
 */
type Judged =
  | { readonly kind: "passed-by" }
  | { readonly kind: "own" | "unwanted"; readonly alert: Alert }
  | { readonly kind: "wanted"; readonly alert: Alert; readonly parts: readonly Part[] }
  | { readonly kind: "broken"; readonly reason: DeadReason; readonly detail: string };

/** The same, and where it is in the line. */
export type JudgedSpan = Judged & Span;

/** What `Pipeline` makes of lines of the log, without making anything of them. Pure. */
export class Judge {
  readonly relevance: Relevance;
  readonly #handlers: readonly Handler[];

  constructor(handlers: readonly Handler[]) {
    this.#handlers = handlers;
    this.relevance = new Relevance(handlers.flatMap(({ needles }) => needles));
  }

  /** A whole line, without its newline; a broken one is as many as it has pieces. Never empty. */
  line(bytes: Buffer): readonly JudgedSpan[] {
    const whole = { start: 0, end: bytes.length };
    if (!this.relevance.matches(bytes) && !isTorn(bytes)) return [{ ...whole, kind: "passed-by" }];
    const alert = alertOrFault(bytes);
    if (alert instanceof Alert) return [{ ...whole, ...this.alert(alert) }];
    const { alerts, rest } = salvage(bytes);
    const reason = alerts.length === 0 ? "not-json" : "torn";
    const detail = `not JSON: ${alert.message}`;
    const judged = [
      ...alerts.map((span) => ({
        ...span,
        ...this.alert(Alert.parse(bytes.subarray(span.start, span.end))),
      })),
      ...(alerts.length === 0 ? [whole] : rest).map((span) => ({ ...span, kind: "broken", reason, detail }) as const),
    ];
    return judged.toSorted((one, other) => one.start - other.start);
  }

  /** An alert that the handlers are asked about. */
  alert(alert: Alert): Judged {
    if (alert.isOwn) return { kind: "own", alert };
    const parts = partsOf(this.#handlers, alert);
    return parts.length === 0 ? { kind: "unwanted", alert } : { kind: "wanted", alert, parts };
  }
}

const opening = 0x7b;
const closing = 0x7d;

/** As `LineSplitter` finds torn lines among those without a needle, where it has the whole line. */
function isTorn(line: Buffer): boolean {
  return line[0] === opening && line.at(-1) !== closing && mayBeTorn(line);
}

/** The alert that bytes are, or why they are not one. */
export function alertOrFault(bytes: Buffer): Alert | NotJson {
  try {
    return Alert.parse(bytes);
  } catch (reason) {
    if (reason instanceof NotJson) return reason;
    throw reason;
  }
}
