import type { Log } from "../../telemetry/log.ts";
import { monotonicMs, timeOfDayMs } from "./clock.ts";
import type { Concern, Fault } from "./faults.ts";

/** A trouble that lasts is repeated in the log once in this time. */
const repeatMs = 60_000;
/** Losses that are kept for the status; each is in the log. */
const maxLosses = 100;

/** What to do about a trouble, in one sentence; empty where it passes by itself. */
export const remedies: Readonly<Record<Concern, string>> = {
  none: "",
  unreachable: "check that the brokers of sink.kafka.brokers run and can be reached from here",
  certificate:
    "check sink.kafka.tls (ca for the brokers' certificates, cert and key for ours, server_name) with `wazuh-dfn check`, and whether this port speaks TLS at all",
  "tls-version":
    "have TLSv1.2 or TLSv1.3 switched on at the brokers (ssl.enabled.protocols=TLSv1.2,TLSv1.3); what they offer is shown by `openssl s_client -connect HOST:PORT -tls1_2 </dev/null`, and sink.kafka.tls.min_version is not to be higher than that",
  "tls-ciphers":
    "have ciphers with forward secrecy switched on at the brokers (ssl.cipher.suites with TLS_ECDHE_...), or add one that they offer to sink.kafka.tls.ciphers; where a client certificate is wanted, set sink.kafka.tls.cert and key",
  authentication: "check sink.kafka.sasl: mechanism, user name and password",
  clock:
    "compare this machine's clock with the brokers' (timedatectl, chronyc tracking) and set the one that is wrong; if both are right, raise message.timestamp.after.max.ms and message.timestamp.before.max.ms of the topic",
  quota: "raise the quota of this client (consumer_byte_rate, producer_byte_rate), if it is to be faster",
  "records-refused":
    "find out in the broker's log what the topic does not take; a topic with cleanup.policy=compact, for instance, takes no record without a key",
  "topic-missing": "create the topic, or correct its name in the configuration",
  "topic-authorization": "give this client's principal the operations Write and Describe on the topic",
  "cluster-authorization": "give this client's principal the operation IdempotentWrite on the cluster",
  unsupported: "Kafka 2.1 or newer is needed; for zstd also a topic that takes it",
};

/** Troubles that somebody has to mend are errors; the others pass, and nothing is lost meanwhile. */
const needsHand: ReadonlySet<Concern> = new Set([
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

/** A trouble that is going on. */
export interface Trouble {
  readonly subject: string;
  readonly text: string;
  readonly remedy: string;
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** Says each trouble once, then at most once a minute, and says when it is over. */
export class Alarms {
  readonly #log: Log;
  readonly #now: () => number;
  /** Times beside the trouble's own are on the monotonic clock. */
  readonly #standing = new Map<string, { trouble: Trouble; concern: Concern; beganAt: number; saidAt: number }>();
  /** The newest one of each subject. */
  readonly #losses = new Map<string, Trouble>();
  #last: Trouble | undefined;

  /** @param now milliseconds on a clock that never goes back */
  constructor(log: Log, now: () => number = monotonicMs) {
    this.#log = log;
    this.#now = now;
  }

  /** @param subject what is in trouble: `Kafka`, or a topic */
  raise(subject: string, fault: Fault): void {
    const now = this.#now();
    const standing = this.#standing.get(subject);
    const remedy = remedies[fault.concern];
    const trouble = { subject, text: fault.text, remedy, since: standing?.trouble.since ?? timeOfDayMs() };
    this.#last = trouble;
    const isDue = standing === undefined || standing.concern !== fault.concern || now - standing.saidAt >= repeatMs;
    const beganAt = standing?.beganAt ?? now;
    this.#standing.set(subject, { trouble, concern: fault.concern, beganAt, saidAt: isDue ? now : standing.saidAt });
    if (!isDue) return;
    const sentence = `${subject}: ${fault.text}${remedy === "" ? "" : `; ${remedy}`}. Nothing is lost, it is tried again until it works`;
    if (needsHand.has(fault.concern)) this.#log.error(sentence);
    else this.#log.warn(sentence);
  }

  /**
   * Something is lost, and no retry brings it back: said at once, and kept in the status until the process ends, because
   * nothing that comes later puts it right.
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
    const standing = this.#standing.get(subject);
    if (standing === undefined) return;
    this.#standing.delete(subject);
    const lastedMs = this.#now() - standing.beganAt;
    this.#log.info(`${subject}: works again after ${(lastedMs / 1000).toFixed(1)} s`);
  }

  /** What is in trouble now. */
  get standing(): readonly Trouble[] {
    return [...this.#standing.values()].map(({ trouble }) => trouble);
  }

  /** What was lost since the start; the newest of each subject. */
  get losses(): readonly Trouble[] {
    return [...this.#losses.values()];
  }

  /** The newest trouble, over or not. */
  get last(): Trouble | undefined {
    return this.#last;
  }
}
