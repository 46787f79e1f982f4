import { monotonicMs } from "../clock.ts";
import type { Log } from "./log.ts";

/** How often a condition that lasts is logged again by default. */
const defaultRepeatMs = 60_000;

interface ConditionLogOptions {
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number;
  /** Milliseconds that it must last before it is logged; 0 by default. One that ends earlier is never logged. */
  readonly patienceMs?: number;
  /** Milliseconds after which it is logged again while it lasts; a minute by default, `Infinity` for never. */
  readonly repeatMs?: number;
}

/** How a condition is logged. */
interface ConditionEntry {
  /** The line in the log; the reason by default. */
  readonly text?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  /** `error` by default. */
  readonly level?: "warn" | "error";
  /** A condition that becomes one of another kind is logged at once. */
  readonly kind?: string;
}

/**
 * A condition that the administrator must know of, in the log and for the status: logged once when it begins, or when it
 * has lasted for a while, at intervals while it lasts, and once when it is over.
 */
export class ConditionLog {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #patienceMs: number;
  readonly #repeatMs: number;
  #lasting: { reason: string; kind: string; readonly beganAt: number; loggedAt: number | undefined } | undefined;

  constructor(log: Log, options: ConditionLogOptions = {}) {
    this.#log = log;
    const { now = monotonicMs, patienceMs = 0, repeatMs = defaultRepeatMs } = options;
    this.#now = now;
    this.#patienceMs = patienceMs;
    this.#repeatMs = repeatMs;
  }

  /** What is wrong now; undefined while nothing is. */
  get reason(): string | undefined {
    return this.#lasting?.reason;
  }

  /** Call it each time the condition is found. */
  raise(reason: string, { text = reason, fields, level = "error", kind = "" }: ConditionEntry = {}): void {
    const now = this.#now();
    const lasting = (this.#lasting ??= { reason, kind, beganAt: now, loggedAt: undefined });
    const isDue =
      lasting.loggedAt === undefined
        ? now - lasting.beganAt >= this.#patienceMs
        : kind !== lasting.kind || now - lasting.loggedAt >= this.#repeatMs;
    lasting.reason = reason;
    lasting.kind = kind;
    if (!isDue) return;
    lasting.loggedAt = now;
    if (fields === undefined) this.#log[level](text);
    else this.#log[level](fields, text);
  }

  /**
   * Call it each time the condition is not found.
   * @param text   logged as `info` if the beginning was logged; a function gets how long it lasted, in milliseconds
   */
  clear(text: string | ((lastedMs: number) => string), fields?: Readonly<Record<string, unknown>>): void {
    const lasting = this.#lasting;
    this.#lasting = undefined;
    if (lasting?.loggedAt === undefined) return;
    const line = typeof text === "string" ? text : text(this.#now() - lasting.beganAt);
    if (fields === undefined) this.#log.info(line);
    else this.#log.info(fields, line);
  }
}
