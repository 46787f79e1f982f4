import type { Log } from "../../../telemetry/log.ts";
import { monotonicMs, timeOfDayMs } from "../../../clock.ts";
import type { ErrorCategory, ClassifiedError } from "../protocol/errors.ts";

/** A problem that lasts is logged again once in this time. */
const repeatMs = 60_000;
/** Losses that are kept for the status; each is in the log. */
const maxLosses = 100;

/** What to do about a problem, in one sentence; empty if it passes by itself. */
export const remedies: Readonly<Record<ErrorCategory, string>> = {
  none: "",
  unreachable: "check that the brokers of sink.kafka.brokers are running and can be reached from here",
  certificate:
    "check sink.kafka.tls (ca for the brokers' certificates, cert and key for ours, server_name) with `wazuh-dfn check`, and whether this port speaks TLS at all",
  "tls-version":
    "have TLSv1.2 or TLSv1.3 enabled on the brokers (ssl.enabled.protocols=TLSv1.2,TLSv1.3); `openssl s_client -connect HOST:PORT -tls1_2 </dev/null` shows what they offer, and sink.kafka.tls.min_version must not be higher",
  "tls-ciphers":
    "have ciphers with forward secrecy enabled on the brokers (ssl.cipher.suites with TLS_ECDHE_...), or add one that they offer to sink.kafka.tls.ciphers; if a client certificate is required, set sink.kafka.tls.cert and key",
  authentication: "check sink.kafka.sasl: mechanism, user name and password",
  clock:
    "compare this machine's clock with the brokers' (timedatectl, chronyc tracking) and set the one that is wrong; if both are right, raise message.timestamp.after.max.ms and message.timestamp.before.max.ms of the topic",
  quota: "if this is too slow, raise this client's quota (consumer_byte_rate, producer_byte_rate)",
  "records-refused":
    "find out in the broker's log what the topic refuses; a topic with cleanup.policy=compact, for instance, refuses records without a key",
  "topic-missing": "create the topic, or correct its name in the configuration",
  "topic-authorization": "grant this client's principal the operations Write and Describe on the topic",
  "cluster-authorization": "grant this client's principal the operation IdempotentWrite on the cluster",
  unsupported: "Kafka 2.1 or newer is needed; zstd also needs a topic that accepts it",
};

/** Problems that somebody has to fix are errors; the others pass by themselves, and nothing is lost meanwhile. */
const needsAction: ReadonlySet<ErrorCategory> = new Set([
  "certificate",
  "tls-version",
  "tls-ciphers",
  "authentication",
  "clock",
  "records-refused",
  "topic-missing",
  "topic-authorization",
  "cluster-authorization",
  "unsupported",
]);

/** A current problem. */
export interface KafkaCondition {
  readonly subject: string;
  readonly text: string;
  readonly remedy: string;
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** Logs each problem at once, then at most once a minute, and logs when it is over. */
export class ConditionLog {
  readonly #log: Log;
  readonly #now: () => number;
  /** Times other than the problem's own are on the monotonic clock. */
  readonly #lasting = new Map<
    string,
    { trouble: KafkaCondition; category: ErrorCategory; beganAt: number; saidAt: number }
  >();
  /** The newest one of each subject. */
  readonly #losses = new Map<string, KafkaCondition>();
  #last: KafkaCondition | undefined;

  /** @param now milliseconds of a monotonic clock */
  constructor(log: Log, now: () => number = monotonicMs) {
    this.#log = log;
    this.#now = now;
  }

  /** @param subject what has the problem: `Kafka`, or a topic */
  raise(subject: string, fault: ClassifiedError): void {
    const now = this.#now();
    const lasting = this.#lasting.get(subject);
    const remedy = remedies[fault.category];
    const trouble = { subject, text: fault.text, remedy, since: lasting?.trouble.since ?? timeOfDayMs() };
    this.#last = trouble;
    const isDue = lasting === undefined || lasting.category !== fault.category || now - lasting.saidAt >= repeatMs;
    const beganAt = lasting?.beganAt ?? now;
    this.#lasting.set(subject, { trouble, category: fault.category, beganAt, saidAt: isDue ? now : lasting.saidAt });
    if (!isDue) return;
    const sentence = `${subject}: ${fault.text}${remedy === "" ? "" : `; ${remedy}`}. Nothing is lost, it is retried until it works`;
    if (needsAction.has(fault.category)) this.#log.error(sentence);
    else this.#log.warn(sentence);
  }

  /**
   * Something is lost, and no retry brings it back: logged at once, and kept in the status until the process ends, because
   * nothing later corrects it.
   */
  lose(subject: string, text: string, remedy: string): void {
    const trouble = { subject, text, remedy, since: timeOfDayMs() };
    this.#last = trouble;
    this.#losses.delete(subject);
    this.#losses.set(subject, trouble);
    const [oldest] = this.#losses.keys();
    if (this.#losses.size > maxLosses && oldest !== undefined) this.#losses.delete(oldest);
    this.#log.error(`${subject}: ${text}; ${remedy}`);
  }

  /** The subject works. */
  clear(subject: string): void {
    const lasting = this.#lasting.get(subject);
    if (lasting === undefined) return;
    this.#lasting.delete(subject);
    const lastedMs = this.#now() - lasting.beganAt;
    this.#log.info(`${subject}: works again after ${(lastedMs / 1000).toFixed(1)} s`);
  }

  /** The current problems. */
  get lasting(): readonly KafkaCondition[] {
    return [...this.#lasting.values()].map(({ trouble }) => trouble);
  }

  /** What was lost since the start; the newest of each subject. */
  get losses(): readonly KafkaCondition[] {
    return [...this.#losses.values()];
  }

  /** The newest problem, over or not. */
  get last(): KafkaCondition | undefined {
    return this.#last;
  }
}
