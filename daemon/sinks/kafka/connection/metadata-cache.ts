import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { monotonicMs } from "../../../clock.ts";
import { formatBrokerAddress } from "./broker-address.ts";
import type { KafkaConditions } from "./conditions.ts";
import { Backoff } from "./backoff.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import type { BrokerConnection } from "./connection.ts";
import { classifyCode, classifyError, kafkaCodes } from "../protocol/errors.ts";
import { fetchMetadata } from "./requests.ts";
import { TopicView, type Answer, type Worth } from "./topic-view.ts";

/** Partitions are added to topics while the forwarder runs: asked for again after this time. */
const maxAgeMs = 60_000;
/** Addresses tried at once when no connection is open; the others get their turn with the next question. */
const maxTriedAtOnce = 6;
/** If a broker has not answered after this time, another one is asked too. */
const staggerMs = 300;
/** After this time the question is given up for now; its connection is left alone, it may be slow and busy. */
const answerWithinMs = 4000;
/** Brokers asked one after the other, when the answers are old or explain nothing. */
const maxRounds = 3;
/** Connections that are named in an error, with what they wait for. */
const maxNamedWaits = 3;

/**
 * Who leads which partition, for the topics that were asked about. One request for all of them; each has its own
 * answer, so one that is missing or forbidden does not hold up another. Topics without a usable answer are asked about
 * again until they have one.
 */
export class MetadataCache {
  readonly #pool: ConnectionPool;
  readonly #seeds: readonly string[];
  readonly #conditions: KafkaConditions;
  readonly #signal: AbortSignal;
  readonly #topics = new Map<string, TopicView>();
  #known: readonly string[] = [];
  readonly #listeners: (() => void)[] = [];
  #running: Promise<void> | undefined;
  #queued: Promise<void> | undefined;
  #isRepeating = false;
  /** Somebody asks because what is known does not work. */
  #isDoubted = false;
  #isAnswered = false;
  #endPause: () => void = () => {};
  /** Where in the list of addresses the next question begins. */
  #firstTried = 0;

  constructor(pool: ConnectionPool, seeds: readonly string[], conditions: KafkaConditions, signal: AbortSignal) {
    this.#pool = pool;
    this.#seeds = seeds;
    this.#conditions = conditions;
    this.#signal = signal;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Starts to ask about a topic. */
  track(topic: string): void {
    if (this.#topics.has(topic)) return;
    this.#topics.set(topic, new TopicView());
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

  /**
   * Resolves when a question asked after this call has been answered, or has failed. Never rejects.
   * @param isDoubted what is known does not work: an answer that says the same is not believed at once
   */
  refresh(isDoubted = true): Promise<void> {
    this.#isDoubted ||= isDoubted;
    if (this.#running === undefined) {
      this.#running = this.#ask().finally(() => (this.#running = undefined));
      return this.#running;
    }
    this.#queued ??= this.#running.then(() => {
      this.#queued = undefined;
      return this.refresh(false);
    });
    return this.#queued;
  }

  /** Asks again quickly while a topic has no usable answer, slowly otherwise; until the sink is closed. */
  async #repeat(): Promise<void> {
    const backoff = new Backoff();
    while (!this.#signal.aborted) {
      await this.refresh(false);
      const isComplete =
        this.#isAnswered &&
        [...this.#topics.values()].every(
          ({ code, leaders }) => code === kafkaCodes.NONE && !leaders.includes(undefined),
        );
      if (isComplete) backoff.reset();
      await this.#pause(isComplete ? maxAgeMs : backoff.nextMs());
    }
  }

  /** Ends early when the sink is closed, or when a question failed meanwhile. */
  #pause(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, durationMs);
      this.#signal.addEventListener("abort", end);
      this.#endPause = durationMs === maxAgeMs ? end : () => {};
    });
  }

  /** Asks until an answer is worth something: a broker that is cut off from the others goes on giving its old one. */
  async #ask(): Promise<void> {
    const askedAt = monotonicMs();
    const isDoubted = this.#isDoubted;
    this.#isDoubted = false;
    const topics = [...this.#topics.keys()];
    const asked = new Set<string>();
    try {
      for (let round = 0; round < maxRounds; round++) {
        const answer = await this.#askAnyone(topics, asked);
        if (answer === undefined) break;
        this.#isAnswered = true;
        this.#conditions.reached();
        asked.add(answer.from);
        const worth = this.#learn(answer);
        if (worth === "news" || (worth === "same" && !isDoubted)) break;
      }
    } catch (reason) {
      if (this.#signal.aborted || asked.size > 0) return;
      this.#isAnswered = false;
      this.#endPause();
      this.#conditions.unreached(classifyError(reason), monotonicMs() - askedAt);
    }
  }

  /**
   * The first answer of any broker that is not in `asked`; undefined if all are. Open connections are asked one after
   * the other, a moment apart, because the first may be to a broker that hangs; then, at once, some of the configured
   * addresses and of those that Kafka named. A question that fails is asked of the next ones, all round.
   */
  async #askAnyone(topics: readonly string[], asked: ReadonlySet<string>): Promise<Answer | undefined> {
    const all = this.#pool.openConnections.filter(({ address }) => !asked.has(address));
    const open = all.filter(({ throttledMs }) => throttledMs === 0);
    const others = [...new Set([...this.#seeds, ...this.#known])].filter(
      (address) => !asked.has(address) && !open.some((connection) => connection.address === address),
    );
    if (open.length + others.length === 0 && asked.size > 0) return undefined;
    const first = this.#firstTried % Math.max(others.length, 1);
    const closed = [...others.slice(first), ...others.slice(0, first)].slice(0, maxTriedAtOnce);
    const purposeOf = (address: string): "send" | "metadata" =>
      all.some((connection) => connection.address === address) ? "metadata" : "send";
    const over = new AbortController();
    setMaxListeners(0, over.signal);
    const end = (): void => over.abort();
    this.#signal.addEventListener("abort", end);
    let deadline: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_resolve, reject) => {
      deadline = setTimeout(() => {
        const waits = this.#pool.waits.slice(0, maxNamedWaits);
        const text = [`no broker answers within ${answerWithinMs / 1000} s`, ...waits].join("; ");
        reject(new Error(text));
      }, answerWithinMs);
    });
    const ask = async (connect: () => Promise<BrokerConnection>, delayMs: number): Promise<Answer> => {
      if (delayMs > 0) await sleep(delayMs, undefined, { signal: over.signal });
      const connection = await connect();
      return { ...(await fetchMetadata(connection, topics)), from: connection.address };
    };
    try {
      const answers = [
        ...open.map((connection, index) => ask(async () => connection, index * staggerMs)),
        ...closed.map((address) =>
          ask(() => this.#pool.connection(address, purposeOf(address)), open.length * staggerMs),
        ),
      ];
      return await Promise.race([Promise.any(answers), silence]);
    } catch (reason) {
      this.#firstTried = first + closed.length;
      throw reason instanceof AggregateError ? reason.errors.at(-1) : reason;
    } finally {
      clearTimeout(deadline);
      this.#signal.removeEventListener("abort", end);
      over.abort();
    }
  }

  /** Applies an answer. @returns older if it is for any topic, else news if it is for any */
  #learn(answer: Answer): Worth {
    const before = [...this.#topics.values()].map(({ leaders }) => leaders.length);
    const worths = answer.topics.flatMap((metadata) => {
      const { code, topic } = metadata;
      const view = this.#topics.get(topic);
      if (view === undefined) return [];
      const worth = view.take(metadata, answer);
      if (code !== kafkaCodes.NONE) {
        const fault = classifyCode(code);
        this.#conditions.count(fault);
        this.#conditions.raise(`topic ${topic}`, fault);
      } else if (view.code === kafkaCodes.NONE) this.#conditions.clear(`topic ${topic}`);
      return [worth];
    });
    if (!worths.includes("older")) this.#known = answer.brokers.map(formatBrokerAddress);
    if ([...this.#topics.values()].some(({ leaders }, at) => leaders.length !== before[at]))
      for (const listener of this.#listeners) listener();
    if (worths.includes("older")) return "older";
    return worths.includes("news") ? "news" : "same";
  }
}
