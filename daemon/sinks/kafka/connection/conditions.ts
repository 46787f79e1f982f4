import type { Log } from "../../../telemetry/log.ts";
import { monotonicMs, timeOfDayMs } from "../../../clock.ts";
import { ConditionLog } from "../../../telemetry/condition-log.ts";
import type { ReasonCode } from "../../../telemetry/reason-codes.ts";
import type { ClassifiedError } from "../protocol/errors.ts";
import { needsAction, reasonOfCategory, remedies } from "../protocol/remedies.ts";
import type { KafkaTrouble } from "./telemetry.ts";

/** Losses that are kept for the status; each is in the log. */
const maxLosses = 100;

/** What is wrong with Kafka, with a topic, a partition or a look-up, for the log and for the status. */
export class KafkaConditions {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #lasting = new Map<string, { condition: ConditionLog<ReasonCode>; trouble: KafkaTrouble }>();
  /** The newest one of each subject. */
  readonly #losses = new Map<string, KafkaTrouble>();
  readonly #failed: (error: string) => void;
  #last: KafkaTrouble | undefined;
  /** When a broker last answered or acknowledged. */
  #reachedAt = -Infinity;

  /**
   * @param now    milliseconds on a clock that never goes back
   * @param failed see `KafkaTelemetry.failed`
   */
  constructor(log: Log, now: () => number = monotonicMs, failed: (error: string) => void = () => undefined) {
    this.#log = log;
    this.#now = now;
    this.#failed = failed;
  }

  /** Something failed, whether or not it lasts and is reported. */
  count({ name, category }: ClassifiedError): void {
    this.#failed(name ?? category);
  }

  /** @param subject what is in trouble: `Kafka`, or a topic */
  raise(subject: string, fault: ClassifiedError): void {
    const lasting = this.#lasting.get(subject);
    const remedy = remedies[fault.category];
    const code = reasonOfCategory[fault.category];
    const trouble = { code, subject, text: fault.text, remedy, since: lasting?.trouble.since ?? timeOfDayMs() };
    const condition = lasting?.condition ?? new ConditionLog<ReasonCode>(this.#log, { now: this.#now });
    this.#last = trouble;
    this.#lasting.set(subject, { condition, trouble });
    condition.raise(fault.text, {
      code,
      text: `${subject}: ${fault.text}${remedy === "" ? "" : `; ${remedy}`}. Nothing is lost, it is retried until it works`,
      level: needsAction.has(fault.category) ? "error" : "warn",
    });
  }

  /**
   * Something is lost, and no retry brings it back: logged at once, and kept in the status until the process ends, because
   * nothing that comes later puts it right.
   */
  lose(subject: string, text: string, remedy: string): void {
    const code = "records-lost";
    const trouble = { code, subject, text, remedy, since: timeOfDayMs() } as const;
    this.#last = trouble;
    this.#losses.delete(subject);
    this.#losses.set(subject, trouble);
    const [oldest] = this.#losses.keys();
    if (this.#losses.size > maxLosses && oldest !== undefined) this.#losses.delete(oldest);
    this.#log.error({ code }, `${subject}: ${text}; ${remedy}`);
  }

  /** The subject works. */
  clear(subject: string): void {
    const lasting = this.#lasting.get(subject);
    this.#lasting.delete(subject);
    lasting?.condition.clear((lastedMs) => `${subject}: works again after ${(lastedMs / 1000).toFixed(1)} s`);
  }

  /** A broker answered or acknowledged: Kafka is there. */
  reached(): void {
    this.#reachedAt = this.#now();
    this.clear("Kafka");
  }

  /**
   * A question found no broker that answers. It is no trouble if a broker acknowledged something meanwhile.
   * @param ageMs how long ago the question was asked
   */
  unreached(fault: ClassifiedError, ageMs: number): void {
    this.count(fault);
    if (this.#now() - this.#reachedAt >= ageMs) this.raise("Kafka", fault);
  }

  /** What is in trouble now. */
  get lasting(): readonly KafkaTrouble[] {
    return [...this.#lasting.values()].map(({ trouble }) => trouble);
  }

  /** What was lost since the start; the newest of each subject. */
  get losses(): readonly KafkaTrouble[] {
    return [...this.#losses.values()];
  }

  /** The newest trouble, over or not. */
  get last(): KafkaTrouble | undefined {
    return this.#last;
  }
}
