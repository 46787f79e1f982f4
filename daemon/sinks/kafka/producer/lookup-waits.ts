import type { BrokerConnection } from "../connection/connection.ts";
import { monotonicMs, timeOfDayMs } from "../../../clock.ts";
import type { KafkaLookup, KafkaTrouble } from "../connection/telemetry.ts";

/** A broker that does not answer for this long is reported as a problem; an answer normally takes at most half a second. */
const silentAfterMs = 5000;
/** Waits that the status names. */
const maxShown = 20;

/** Who waits, and for what. */
interface LookupWait {
  readonly topic: string;
  readonly partition: number;
  /** Address. */
  readonly broker: string;
  /** In words that go behind "waits for". */
  readonly waitsFor: string;
  /** What the answer comes over; undefined while it is being made. */
  readonly connection?: Pick<BrokerConnection, "silentMs">;
}

interface OpenWait extends LookupWait {
  /** On the monotonic clock. */
  readonly beganAt: number;
}

/** What look-ups wait for: each request is one wait, so one that lasts is a broker that hangs and not much to be read. */
export class LookupWaits {
  readonly #open = new Set<OpenWait>();

  /** Passes an answer on, and names it in the status until it is there. Rejects as `answer` does. */
  async during<T>(wait: LookupWait, answer: Promise<T>): Promise<T> {
    const open = { ...wait, beganAt: monotonicMs() };
    this.#open.add(open);
    try {
      return await answer;
    } finally {
      this.#open.delete(open);
    }
  }

  /** The waits of this moment, the longest first. */
  get all(): readonly KafkaLookup[] {
    const now = monotonicMs();
    return [...this.#open].slice(0, maxShown).map(({ topic, partition, broker, waitsFor, beganAt }) => {
      return { topic, partition, broker, waitsFor, seconds: Math.floor((now - beganAt) / 1000) };
    });
  }

  /**
   * One for each broker that look-ups wait for and that has answered nothing for five seconds. Answers to others that wait
   * in the same queue count, and the time for which a quota holds them back does not.
   */
  get troubles(): readonly KafkaTrouble[] {
    const brokers = new Map<string, { longest: OpenWait; silentMs: number; partitions: Set<string> }>();
    for (const wait of this.#open) {
      const silentMs = silenceOf(wait);
      if (silentMs < silentAfterMs) continue;
      const broker = brokers.get(wait.broker) ?? { longest: wait, silentMs, partitions: new Set() };
      brokers.set(wait.broker, broker);
      broker.partitions.add(`${wait.topic}/${wait.partition}`);
    }
    return [...brokers].map(([address, { longest, silentMs, partitions }]) => {
      const { topic, partition, waitsFor } = longest;
      const others = partitions.size > 1 ? `; ${partitions.size - 1} more partitions wait for this broker` : "";
      return {
        code: "lookup-waiting",
        subject: `look-up at ${address}`,
        text: `the look-up of what ${topic}/${partition} holds has waited ${Math.floor(silentMs / 1000)} s for ${waitsFor}${others}`,
        remedy:
          "check that this broker works, and that large answers from it arrive here; nothing is lost, and the request is repeated over a new connection",
        since: Math.round(timeOfDayMs() - silentMs),
      };
    });
  }
}

function silenceOf({ beganAt, connection }: OpenWait): number {
  const waitedMs = monotonicMs() - beganAt;
  return connection === undefined ? waitedMs : Math.min(waitedMs, connection.silentMs);
}
