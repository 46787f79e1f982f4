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
interface ConditionEntry<Code extends string> {
  /** What kind of condition it is; one that becomes another kind is logged at once. Its end is logged as `<code>-over`. */
  readonly code: Code;
  /** The line in the log; the reason by default. */
  readonly text?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  /** `error` by default. */
  readonly level?: "warn" | "error";
}

/**
 * A condition that the administrator must know of, in the log and for the status: logged once when it begins, or when it
 * has lasted for a while, at intervals while it lasts, and once when it is over.
 */
export class ConditionLog<Code extends string = string> {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #patienceMs: number;
  readonly #repeatMs: number;
  #lasting: { reason: string; code: Code; readonly beganAt: number; loggedAt: number | undefined } | undefined;

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

  /** The code of what is wrong now; undefined while nothing is. */
  get code(): Code | undefined {
    return this.#lasting?.code;
  }

  /** Call it each time the condition is found. */
  raise(reason: string, { code, text = reason, fields, level = "error" }: ConditionEntry<Code>): void {
    const now = this.#now();
    const lasting = (this.#lasting ??= { reason, code, beganAt: now, loggedAt: undefined });
    const isDue =
      lasting.loggedAt === undefined
        ? now - lasting.beganAt >= this.#patienceMs
        : code !== lasting.code || now - lasting.loggedAt >= this.#repeatMs;
    lasting.reason = reason;
    lasting.code = code;
    if (!isDue) return;
    lasting.loggedAt = now;
    this.#log[level]({ code, ...fields }, text);
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
    this.#log.info({ code: `${lasting.code}-over`, ...fields }, line);
  }
}
