import { setTimeout as sleep } from "node:timers/promises";
import { formatAddress } from "./address.ts";
import type { Alarms } from "./alarms.ts";
import { Backoff } from "./backoff.ts";
import type { Cluster } from "./cluster.ts";
import type { BrokerConnection } from "./connection.ts";
import { faultOfCode, faultOfError } from "./faults.ts";
import { fetchMetadata, type Metadata } from "./requests.ts";

/** Partitions are added to topics while the forwarder runs: asked for again after this time. */
const maxAgeMs = 60_000;
/** Addresses tried at once when no connection is open; those behind them get their turn with the next question. */
const maxTriedAtOnce = 6;
/** A broker that has not answered after this time gets company. */
const staggerMs = 300;
/** After this time the question is given up for now; its connection is left alone, it may be slow and busy. */
const answerWithinMs = 4000;
/** Connections that are named in an error, with what they wait for. */
const maxNamedWaits = 3;

interface Topic {
  /** Error code of the topic, 0 for none, undefined before the first answer. */
  code: number | undefined;
  /** Leader's address per partition; undefined while a partition has no leader. */
  leaders: readonly (string | undefined)[];
}

/**
 * Who leads which partition, for the topics that were asked about. One request for all of them; each has its own
 * answer, so one that is missing or forbidden does not hold up another. Topics without a usable answer are asked about
 * again until they have one.
 */
export class Topology {
  readonly #cluster: Cluster;
  readonly #seeds: readonly string[];
  readonly #alarms: Alarms;
  readonly #signal: AbortSignal;
  readonly #topics = new Map<string, Topic>();
  #known: readonly string[] = [];
  #onChange: () => void = () => {};
  #running: Promise<void> | undefined;
  #queued: Promise<void> | undefined;
  #isRepeating = false;
  /** Where in the list of addresses the next question begins. */
  #firstTried = 0;

  constructor(cluster: Cluster, seeds: readonly string[], alarms: Alarms, signal: AbortSignal) {
    this.#cluster = cluster;
    this.#seeds = seeds;
    this.#alarms = alarms;
    this.#signal = signal;
  }

  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** Starts to ask about a topic. */
  track(topic: string): void {
    if (this.#topics.has(topic)) return;
    this.#topics.set(topic, { code: undefined, leaders: [] });
    if (!this.#isRepeating) {
      this.#isRepeating = true;
      void this.#repeat();
    } else void this.refresh();
  }

  /** Number of partitions, or undefined while it is not known. */
  partitions(topic: string): number | undefined {
    const count = this.#topics.get(topic)?.leaders.length ?? 0;
    return count === 0 ? undefined : count;
  }

  /** The newest error code of a topic; 0 for none, undefined before the first answer. */
  codeOf(topic: string): number | undefined {
    return this.#topics.get(topic)?.code;
  }

  /** Address of a partition's leader, or undefined while there is none. */
  leader(topic: string, partition: number): string | undefined {
    return this.#topics.get(topic)?.leaders[partition];
  }

  /** Whether any partition is led from this address, as far as is known. */
  leads(address: string): boolean {
    return [...this.#topics.values()].some(({ leaders }) => leaders.includes(address));
  }

  /** Resolves when a question asked after this call has been answered, or has failed. Never rejects. */
  refresh(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#ask().finally(() => (this.#running = undefined));
      return this.#running;
    }
    this.#queued ??= this.#running.then(() => {
      this.#queued = undefined;
      return this.refresh();
    });
    return this.#queued;
  }

  /** Asks again quickly while a topic has no usable answer, slowly otherwise; until the sink is closed. */
  async #repeat(): Promise<void> {
    const backoff = new Backoff();
    while (!this.#signal.aborted) {
      await this.refresh();
      const isComplete = [...this.#topics.values()].every(
        ({ code, leaders }) => code === 0 && !leaders.includes(undefined),
      );
      if (isComplete) backoff.reset();
      const waitMs = isComplete ? maxAgeMs : backoff.nextMs();
      await sleep(waitMs, undefined, { signal: this.#signal }).catch(() => {}); // Closed: the loop ends by its condition.
    }
  }

  async #ask(): Promise<void> {
    const asked = [...this.#topics.keys()];
    try {
      this.#learn(await this.#askAnyone(asked));
      this.#alarms.clear("Kafka");
    } catch (reason) {
      if (!this.#signal.aborted) this.#alarms.raise("Kafka", faultOfError(reason));
    }
  }

  /**
   * The first answer of any broker. Open connections are asked one after the other, a moment apart, because the first
   * may be to a broker that hangs; then, at once, some of the configured addresses and of those that Kafka named. A
   * question that fails is asked of the next ones, all round.
   */
  async #askAnyone(topics: readonly string[]): Promise<Metadata> {
    const all = this.#cluster.openConnections;
    const open = all.filter(({ throttledMs }) => throttledMs === 0);
    const others = [...new Set([...this.#seeds, ...this.#known])].filter(
      (address) => !open.some((connection) => connection.address === address),
    );
    const first = this.#firstTried % Math.max(others.length, 1);
    const closed = [...others.slice(first), ...others.slice(0, first)].slice(0, maxTriedAtOnce);
    const purposeOf = (address: string): "send" | "metadata" =>
      all.some((connection) => connection.address === address) ? "metadata" : "send";
    let isAnswered = false;
    let deadline: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_resolve, reject) => {
      deadline = setTimeout(() => {
        const waits = this.#cluster.waits.slice(0, maxNamedWaits);
        const text = [`no broker answers within ${answerWithinMs / 1000} s`, ...waits].join("; ");
        reject(new Error(text));
      }, answerWithinMs);
    });
    const ask = async (connect: () => Promise<BrokerConnection>, delayMs: number): Promise<Metadata> => {
      if (delayMs > 0) await sleep(delayMs, undefined, { signal: this.#signal });
      if (isAnswered) throw new Error("another broker has answered");
      const answer = await fetchMetadata(await connect(), topics);
      isAnswered = true;
      return answer;
    };
    try {
      const answers = [
        ...open.map((connection, index) => ask(async () => connection, index * staggerMs)),
        ...closed.map((address) =>
          ask(() => this.#cluster.connection(address, purposeOf(address)), open.length * staggerMs),
        ),
      ];
      return await Promise.race([Promise.any(answers), silence]);
    } catch (reason) {
      this.#firstTried = first + closed.length;
      throw reason instanceof AggregateError ? reason.errors.at(-1) : reason;
    } finally {
      clearTimeout(deadline);
    }
  }

  #learn({ brokers, topics }: Metadata): void {
    const addresses = new Map(brokers.map((broker) => [broker.nodeId, formatAddress(broker)]));
    this.#known = [...addresses.values()];
    let isChanged = false;
    for (const { code, topic, partitions } of topics) {
      const before = this.#topics.get(topic);
      if (before === undefined) continue;
      if (code === 0) this.#alarms.clear(`topic ${topic}`);
      else this.#alarms.raise(`topic ${topic}`, faultOfCode(code));
      // While a topic has an error its former partitions stay known: the records are on their way to them.
      const leaders = code === 0 ? leadersOf(partitions, addresses) : before.leaders;
      isChanged ||= leaders.length !== before.leaders.length;
      this.#topics.set(topic, { code, leaders });
    }
    if (isChanged) this.#onChange();
  }
}

function leadersOf(
  partitions: Metadata["topics"][number]["partitions"],
  addresses: ReadonlyMap<number, string>,
): readonly (string | undefined)[] {
  const leaders = Array.from<string | undefined>({ length: partitions.length });
  for (const { partition, leader } of partitions) {
    // Partitions are numbered from 0 without gaps.
    if (partition < leaders.length) leaders[partition] = addresses.get(leader);
  }
  return leaders;
}
