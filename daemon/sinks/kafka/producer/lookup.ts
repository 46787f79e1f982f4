import { hash } from "node:crypto";
import {
  hasOffsetOf,
  lookupKey,
  sourceDefinitions,
  type FoundValue,
  type FoundValues,
  type Lookup,
  type Shipped,
  type OffsetsByPartition,
} from "../../../contract.ts";
import { headerNames } from "../../../header-names.ts";
import { describe } from "../../../errors.ts";
import { Backoff } from "../connection/backoff.ts";
import { monotonicMs } from "../../../clock.ts";
import { classifyError, KafkaError, kafkaCodes, lastingTopicCodes } from "../protocol/errors.ts";
import type { ReadingContext } from "./sender-context.ts";
import { Cursor, reach, readRange } from "./read-range.ts";
import type { FetchedRecord } from "../protocol/record-reader.ts";
import { isUnreadable } from "./doubts.ts";

/** More ids than this are not kept in memory; between two checkpoints there are a few thousand. */
const maxIds = 1_000_000;
/** Nor more characters of them: anybody who may write to the topic can make ids of any length in anybody's name. */
const maxIdCharacters = 64 * 1024 * 1024;
/** If Kafka reports for this long that a topic does not exist or is forbidden, it is left out of the look-up. */
const giveUpAfterMs = 15_000;
/** Reasons that one answer names. */
const maxRefusals = 5;

/** Partitions that are read at the same time: enough to hide the network's delay, few enough for the memory. */
const maxAtOnce = 8;

/** What is looked for cannot be seen, and waiting does not help. */
class Unreadable extends Error {
  /** The topic is not there, so nothing of it is. */
  readonly isMissing: boolean;

  constructor(text: string, isMissing = false) {
    super(text);
    this.isMissing = isMissing;
  }
}

/** No more ids can be kept. */
class Full extends Error {}

/** What was found so far, over all partitions. */
class Findings {
  readonly shipped: Shipped = new Map();
  /** Of all ids that are kept, those of partitions that are still being read included. */
  #ids = 0;
  #characters = 0;
  readonly next: Record<string, number> = {};
  /** Why some records may have been missed, a sentence for each kind of reason; in the order of their appearance. */
  readonly #refusals = new Set<string>();
  isFull = false;
  /** Whose records count. */
  readonly nodes: ReadonlySet<string> | undefined;
  /** Undefined if nobody asks how records are written. */
  readonly values: FoundValues | undefined;

  constructor(nodes: ReadonlySet<string> | undefined, keepsValues: boolean) {
    this.nodes = nodes;
    this.values = keepsValues ? new Map() : undefined;
  }

  /** Makes room for one id more; false if there is none. */
  hasRoomFor(id: string): boolean {
    this.#ids += 1;
    this.#characters += id.length;
    return this.#ids <= maxIds && this.#characters <= maxIdCharacters;
  }

  /** For a partition that is read again from its beginning. */
  giveBack(ids: readonly string[]): void {
    this.#ids -= ids.length;
    for (const id of ids) this.#characters -= id.length;
  }

  count({ ids, values }: Reading): void {
    for (const [index, id] of ids.entries()) {
      this.shipped.set(id, (this.shipped.get(id) ?? 0) + 1);
      const value = values[index];
      if (this.values === undefined || value === undefined) continue;
      const others = this.values.get(id);
      if (others === undefined) this.values.set(id, [value]);
      else others.push(value);
    }
  }

  /** Something that may be there was not seen. What was found elsewhere counts. */
  refuse(text: string): void {
    if (this.#refusals.size < maxRefusals) this.#refusals.add(text);
  }

  get result(): Lookup {
    const { shipped, next, values } = this;
    const found = { next, ...(values !== undefined && { values }) };
    if (this.#refusals.size === 0) return { shipped, ...found };
    const refusal = [...this.#refusals].join("; ");
    return { shipped: shipped.size === 0 ? undefined : shipped, refusal, ...found };
  }
}

/**
 * See `Sink.lookup`. Each partition until it succeeds or cannot succeed; rejects when disposed. One that has no leader
 * is waited for, because nothing can be written to it meanwhile either.
 */
export async function lookUp(
  topics: readonly string[],
  since: OffsetsByPartition,
  nodes: ReadonlySet<string> | undefined,
  context: ReadingContext,
  keeps?: "values",
): Promise<Lookup> {
  const findings = new Findings(nodes, keeps === "values");
  for (const topic of topics) context.metadataCache.track(topic);
  for (const topic of topics) {
    const isRead = hasOffsetOf(since, topic);
    try {
      const count = await partitionCount(topic, isRead, context);
      const all = Array.from({ length: count }, (_, partition) => partition);
      const groups = Array.from({ length: Math.ceil(count / maxAtOnce) }, (_, at) =>
        all.slice(at * maxAtOnce, (at + 1) * maxAtOnce),
      );
      for (const group of [...groups, unlisted(since, topic, count)]) {
        const looks = group.map((partition) => lookAt(topic, partition, isRead, since, findings, context));
        // None goes on when this is over.
        for (const look of await Promise.allSettled(looks)) if (look.status === "rejected") throw look.reason;
      }
    } catch (reason) {
      if (!(reason instanceof Unreadable)) throw reason;
      if (isRead && !reason.isMissing) findings.refuse(reason.message);
    }
  }
  return findings.result;
}

/** One partition, while it is read: what was found there, and how far. Both outlast a failure of the connection. */
class Reading {
  readonly ids: string[] = [];
  /** How the records of these ids are written; empty unless that is asked for. */
  readonly values: FoundValue[] = [];
  readonly cursor: Cursor;
  /** Batches that could not be read, and why the last one could not. */
  passedOver = { count: 0, reason: "" };
  /** What could be found was found. */
  isOver = false;
  readonly #findings: Findings;

  constructor(from: number, findings: Findings) {
    this.cursor = new Cursor(from, () => this.forget());
    this.#findings = findings;
  }

  forget(): void {
    this.passedOver = { count: 0, reason: "" };
    this.#findings.giveBack(this.ids.splice(0));
    this.values.length = 0;
  }
}

async function lookAt(
  topic: string,
  partition: number,
  isRead: boolean,
  since: OffsetsByPartition,
  findings: Findings,
  context: ReadingContext,
): Promise<void> {
  const name = `${topic}/${partition}`;
  const reading = new Reading(since[name] ?? 0, findings);
  const step = async (): Promise<void> => {
    const listed = context.metadataCache.partitions(topic) ?? 0;
    if (partition >= listed)
      throw new KafkaError(kafkaCodes.UNKNOWN_TOPIC_OR_PARTITION, `${name}, which the newest list of partitions lacks`);
    if (isRead && !reading.isOver && !findings.isFull) await read(topic, partition, reading, findings, context);
    // If nothing has to be read, one request yields the next offset.
    findings.next[name] ??= await nextOffset(topic, partition, context);
  };
  try {
    await persist(context, `looking up what ${name} holds`, isRead, step);
  } catch (reason) {
    if (!(reason instanceof Unreadable)) throw reason;
    if (!reason.isMissing && !reading.isOver) findings.count(reading);
    // A partition that is gone does not affect others.
    if (!reason.isMissing || context.metadataCache.codeOf(topic) !== kafkaCodes.NONE) throw reason;
  }
}

/** Partitions that a topic had and that the list of now lacks; it may be an old one. */
function unlisted(since: OffsetsByPartition, topic: string, count: number): readonly number[] {
  return Object.keys(since)
    .filter((name) => name.startsWith(`${topic}/`))
    .map((name) => Number(name.slice(topic.length + 1)))
    .filter((partition) => Number.isSafeInteger(partition) && partition >= count);
}

/** Partitions of a topic; 0 for one that does not exist and of which nothing was shipped. */
async function partitionCount(topic: string, isRead: boolean, context: ReadingContext): Promise<number> {
  let count: number | undefined;
  await persist(context, `looking up what ${topic} holds`, isRead, async () => {
    await context.metadataCache.refresh(false);
    const code = context.metadataCache.codeOf(topic);
    if (code === undefined) throw new Error(`${topic}: no broker answers`);
    if (code === kafkaCodes.UNKNOWN_TOPIC_OR_PARTITION && !isRead) count = 0;
    else if (code === kafkaCodes.NONE) count = context.metadataCache.partitions(topic) ?? 0;
    else throw new KafkaError(code, `topic ${topic}`);
  });
  return count ?? 0;
}

async function nextOffset(topic: string, partition: number, context: ReadingContext): Promise<number> {
  return (await reach(context, topic, partition)).offset("next");
}

/** Reads a partition as far as possible; what was found counts, even if that is not all. */
async function read(
  topic: string,
  partition: number,
  reading: Reading,
  findings: Findings,
  context: ReadingContext,
): Promise<void> {
  const name = `${topic}/${partition}`;
  const { ids, cursor } = reading;
  const visit = (record: FetchedRecord): void => {
    const id = idOf(record, findings.nodes);
    if (id === undefined) return;
    if (!findings.hasRoomFor(id)) throw new Full();
    ids.push(id);
    if (findings.values !== undefined) reading.values.push(writingOf(record, topic, partition));
  };
  const passOver = ({ message }: Error): void => {
    reading.passedOver = { count: reading.passedOver.count + 1, reason: message };
  };
  try {
    findings.next[name] = await readRange(context, topic, partition, cursor, { visit, passOver });
    const { count, reason } = reading.passedOver;
    if (count > 0) findings.refuse(`batches of ${name} cannot be read: ${count}; of the last one: ${reason}`);
  } catch (reason) {
    if (reason instanceof Full) {
      findings.isFull = true;
      findings.refuse(
        `${name} holds more than ${maxIds} records, or ids of more than ${maxIdCharacters} characters, since the checkpoint, too many to keep in memory`,
      );
    } else if (isUnreadable(reason)) {
      const remedy =
        reason instanceof KafkaError ? "; the operation Read on it lets the forwarder see what it sent before" : "";
      findings.refuse(`topic ${topic} cannot be read: ${describe(reason)}${remedy}`);
    } else throw reason;
  }
  findings.count(reading);
  reading.isOver = true;
}

/** Hundreds of nodes may write to one topic: what the others wrote is neither ours nor to be kept in memory. */
function idOf({ headers, value }: FetchedRecord, nodes: ReadonlySet<string> | undefined): string | undefined {
  const text = (name: string): string | undefined => headers.find(([header]) => header === name)?.[1]?.toString("utf8");
  const node = text(headerNames.node);
  if (node === undefined || nodes?.has(node) === false) return undefined;
  const [id, handler] = [text(headerNames.id), text(headerNames.handler)];
  if (id === undefined || handler === undefined) return undefined;
  return lookupKey(node, id, handler, value);
}

function writingOf({ headers, value, offset }: FetchedRecord, topic: string, partition: number): FoundValue {
  const source = headers.find(([header]) => header === headerNames.source)?.[1]?.toString("latin1");
  const valueHash = hash("sha256", value ?? "", "hex");
  const isFromSocket = source === sourceDefinitions.socket.header;
  const isReplay = source === sourceDefinitions.replay.header;
  return { valueHash, isFromSocket, isReplay, topic, partition, offset };
}

/**
 * Repeats a step until it succeeds: without end while Kafka is away or no broker leads the partition, for a bounded time
 * while it answers that it does not give what is asked for. Nothing is delivered meanwhile, so what it waits for is
 * reported at once.
 * @param subject what it is about, for the report
 * @param isRead  whether what is found saves records from being sent twice; else a bounded time is enough in any case
 * @throws Unreadable if it is given up
 */
async function persist(
  { metadataCache, conditions, signal }: ReadingContext,
  subject: string,
  isRead: boolean,
  step: () => Promise<void>,
): Promise<void> {
  const backoff = new Backoff();
  let refusedSince: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    try {
      await step();
      conditions.clear(subject);
      return;
    } catch (reason) {
      signal.throwIfAborted();
      const fault = classifyError(reason);
      const text = isRead
        ? `${fault.text}; until this is fixed no alert is sent, because it might be sent twice`
        : fault.text;
      // What is wrong with the whole cluster is reported where its metadata are read.
      const isReported = conditions.lasting.some((trouble) => trouble.subject === "Kafka");
      if (!isReported) conditions.raise(subject, { ...fault, text });
      if (reason instanceof KafkaError && (!isRead || lastingTopicCodes.has(reason.code)))
        refusedSince ??= monotonicMs();
      else refusedSince = undefined;
      if (refusedSince !== undefined && monotonicMs() - refusedSince >= giveUpAfterMs) {
        conditions.clear(subject); // It is given up; the look-up's answer says why.
        throw new Unreadable(
          fault.text,
          reason instanceof KafkaError && reason.code === kafkaCodes.UNKNOWN_TOPIC_OR_PARTITION,
        );
      }
      await backoff.wait(signal);
      await metadataCache.refresh();
    }
  }
}
