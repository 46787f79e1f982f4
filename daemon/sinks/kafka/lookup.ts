import { headerNames, lookupKey, type Lookup, type Shipped, type SinkOffsets } from "../../delivery/contract.ts";
import { describe } from "../../errors.ts";
import { Backoff } from "./backoff.ts";
import { monotonicMs } from "./clock.ts";
import { faultOfError, KafkaError } from "./faults.ts";
import type { SenderContext } from "./sender-context.ts";
import { Cursor, readRange } from "./read-range.ts";
import type { StoredRecord } from "./record-reader.ts";
import { isUnreadable } from "./recovery.ts";
import { fetchOffset } from "./requests.ts";

/** More ids than this are not kept in memory; between two checkpoints there are a few thousand. */
const maxIds = 1_000_000;
/** Nor more characters of them: anybody who may write to the topic can make ids of any length in anybody's name. */
const maxIdCharacters = 64 * 1024 * 1024;
/** A topic that Kafka, though it answers, does not let us see for so long is left out of the look-up. */
const giveUpAfterMs = 15_000;

/** Partitions that are read at the same time: enough to hide the network's delay, few enough for the memory. */
const maxAtOnce = 8;

type LookupContext = Pick<SenderContext, "topology" | "cluster" | "alarms" | "signal">;

class Unreadable extends Error {}

/** What was found so far, over all partitions. */
class Findings {
  readonly shipped: Shipped = new Map();
  /** Of all ids that are kept, those of partitions that are still being read included. */
  #ids = 0;
  #characters = 0;
  readonly next: Record<string, number> = {};
  refusal: string | undefined;
  /** Whose records count. */
  readonly nodes: ReadonlySet<string> | undefined;

  constructor(nodes: ReadonlySet<string> | undefined) {
    this.nodes = nodes;
  }

  /** Makes room for one id more; false where there is none. */
  hasRoomFor(id: string): boolean {
    this.#ids += 1;
    this.#characters += id.length;
    return this.#ids <= maxIds && this.#characters <= maxIdCharacters;
  }

  /** For a partition that is read again from its beginning, or left out. */
  giveBack(ids: readonly string[]): void {
    this.#ids -= ids.length;
    for (const id of ids) this.#characters -= id.length;
  }

  count(ids: readonly string[]): void {
    for (const id of ids) this.shipped.set(id, (this.shipped.get(id) ?? 0) + 1);
  }
}

/** See `Sink.lookup`. Each partition until it succeeds or cannot succeed; rejects when disposed. */
export async function lookUp(
  topics: readonly string[],
  since: SinkOffsets,
  nodes: ReadonlySet<string> | undefined,
  context: LookupContext,
): Promise<Lookup> {
  const findings = new Findings(nodes);
  for (const topic of topics) context.topology.track(topic);
  for (const topic of topics) {
    const isRead = Object.keys(since).some((name) => name.startsWith(`${topic}/`));
    try {
      const count = await partitionCount(topic, isRead, context);
      for (let first = 0; first < count; first += maxAtOnce) {
        const partitions = Array.from({ length: Math.min(maxAtOnce, count - first) }, (_, at) => first + at);
        await Promise.all(partitions.map((partition) => lookAt(topic, partition, isRead, since, findings, context)));
      }
    } catch (reason) {
      if (!(reason instanceof Unreadable)) throw reason;
      if (isRead) findings.refusal ??= reason.message;
    }
  }
  const { shipped, next, refusal } = findings;
  return refusal === undefined ? { shipped, next } : { shipped: undefined, refusal, next };
}

/** One partition, while it is read: what was found there, and how far. Both outlast a failure of the connection. */
class Reading {
  readonly ids: string[] = [];
  readonly cursor: Cursor;
  readonly #findings: Findings;

  constructor(from: number, findings: Findings) {
    this.cursor = new Cursor(from, () => this.forget());
    this.#findings = findings;
  }

  forget(): void {
    this.#findings.giveBack(this.ids.splice(0));
  }
}

async function lookAt(
  topic: string,
  partition: number,
  isRead: boolean,
  since: SinkOffsets,
  findings: Findings,
  context: LookupContext,
): Promise<void> {
  const name = `${topic}/${partition}`;
  const reading = new Reading(since[name] ?? 0, findings);
  const step = async (): Promise<void> => {
    // With nothing to be read, one question tells the next offset.
    if (isRead && findings.refusal === undefined) await read(topic, partition, reading, findings, context);
    else findings.next[name] = await nextOffset(topic, partition, context);
  };
  try {
    await persist(context, `looking up what ${name} holds`, step);
  } catch (reason) {
    reading.forget();
    throw reason;
  }
}

/** Partitions of a topic; 0 for one that does not exist and of which nothing was shipped. */
async function partitionCount(topic: string, isRead: boolean, context: LookupContext): Promise<number> {
  let count: number | undefined;
  await persist(context, `looking up what ${topic} holds`, async () => {
    await context.topology.refresh();
    const code = context.topology.codeOf(topic);
    if (code === undefined) throw new Error(`${topic}: no broker answers`);
    if (code === 3 && !isRead) count = 0;
    else if (code === 0) count = context.topology.partitions(topic) ?? 0;
    else throw new KafkaError(code, `topic ${topic}`);
  });
  return count ?? 0;
}

async function nextOffset(topic: string, partition: number, { topology, cluster }: LookupContext): Promise<number> {
  const address = topology.leader(topic, partition);
  if (address === undefined) throw new KafkaError(5, `${topic}/${partition}`);
  return fetchOffset(await cluster.connection(address, "lookup"), topic, partition, "next");
}

async function read(
  topic: string,
  partition: number,
  reading: Reading,
  findings: Findings,
  context: LookupContext,
): Promise<void> {
  const name = `${topic}/${partition}`;
  const { ids, cursor } = reading;
  try {
    findings.next[name] = await readRange(context, topic, partition, cursor, (record) => {
      const id = idOf(record, findings.nodes);
      if (id === undefined) return;
      ids.push(id);
      if (!findings.hasRoomFor(id)) {
        throw new Unreadable(
          `${name} holds more than ${maxIds} records, or ids of more than ${maxIdCharacters} characters, since the checkpoint, too many to keep in mind`,
        );
      }
    });
    findings.count(ids);
  } catch (reason) {
    if (!isUnreadable(reason) && !(reason instanceof Unreadable)) throw reason;
    reading.forget();
    const remedy =
      reason instanceof KafkaError ? "; the operation Read on it lets the forwarder see what it sent before" : "";
    findings.refusal = `topic ${topic} cannot be read: ${describe(reason)}${remedy}`;
    findings.next[name] = await nextOffset(topic, partition, context);
  }
}

/** Hundreds of nodes may write to one topic: what the others wrote is neither ours nor to be kept in mind. */
function idOf({ headers, value }: StoredRecord, nodes: ReadonlySet<string> | undefined): string | undefined {
  const text = (name: string): string | undefined => headers.find(([header]) => header === name)?.[1]?.toString("utf8");
  const node = text(headerNames.node);
  if (node === undefined || nodes?.has(node) === false) return undefined;
  const [id, handler] = [text(headerNames.id), text(headerNames.handler)];
  if (id === undefined || handler === undefined) return undefined;
  return lookupKey(node, id, handler, value);
}

/**
 * Repeats a step until it succeeds: without end while Kafka is away, for a bounded time while it answers but does not
 * give what is asked for. Nothing is delivered meanwhile, so what it waits for is reported at once.
 * @param subject what it is about, for the report
 * @throws Unreadable in the second case
 */
async function persist(
  { topology, alarms, signal }: LookupContext,
  subject: string,
  step: () => Promise<void>,
): Promise<void> {
  const backoff = new Backoff();
  let answeredSince: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    try {
      await step();
      alarms.clear(subject);
      return;
    } catch (reason) {
      signal.throwIfAborted();
      if (reason instanceof Unreadable) {
        alarms.clear(subject); // It is given up; the look-up's answer says why.
        throw reason;
      }
      // What is wrong with the whole cluster is reported where its metadata are read.
      const isReported = alarms.standing.some((trouble) => trouble.subject === "Kafka");
      if (!isReported) alarms.raise(subject, faultOfError(reason));
      if (reason instanceof KafkaError) answeredSince ??= monotonicMs();
      else answeredSince = undefined;
      if (answeredSince !== undefined && monotonicMs() - answeredSince >= giveUpAfterMs) {
        alarms.clear(subject);
        throw new Unreadable(faultOfError(reason).text);
      }
      await backoff.wait(signal);
      await topology.refresh();
    }
  }
}
