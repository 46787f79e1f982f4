/** What the sink holds, or what a list from the other side says that it holds. */
import { hash } from "node:crypto";
import { sourceDefinitions } from "../contract.ts";
import { secondOf } from "../delivery/shipment.ts";
import { DfnError } from "../errors.ts";
import type { KeptRecord, RecordStretch, TopicExtent } from "../records/record-reading.ts";
import { LineSplitter } from "../sources/tail/log/line-splitter.ts";
import { anyTopic, entryFlags, entryKinds, identityOf, type Entry } from "./entries.ts";
import { entryContent } from "./log-side.ts";
import type { AuditNames } from "./names.ts";
import { isInSpan, type TimeSpan } from "./time-span.ts";

/** Clocks of brokers and of the manager differ by less. */
const marginMs = 3_600_000;

/** All that was appended since a time and is there now. @param sinceMs milliseconds since 1970; undefined: everything */
export function stretchesSince(extents: readonly TopicExtent[], sinceMs: number | undefined): readonly RecordStretch[] {
  return extents
    .flatMap(({ partitions }) => partitions)
    .map(({ topic, partition, first, next }) => {
      const from = sinceMs === undefined ? first : { sinceMs: sinceMs - marginMs };
      return { topic, partition, from, until: next };
    });
}

/** All that came between two looks. */
export function stretchesBetween(
  before: readonly TopicExtent[],
  now: readonly TopicExtent[],
): readonly RecordStretch[] {
  const known = before.flatMap(({ partitions }) => partitions);
  return now
    .flatMap(({ partitions }) => partitions)
    .map(({ topic, partition, first, next }) => {
      const former = known.find((one) => one.topic === topic && one.partition === partition);
      return { topic, partition, from: former?.next ?? first, until: next };
    });
}

/**
 * Until when what was appended to a topic may have been removed from one of its partitions; milliseconds since 1970,
 * undefined if nothing was.
 */
export function removedUntil({ partitions }: TopicExtent): number | undefined {
  const times = partitions.flatMap(({ firstMs }) => firstMs ?? []);
  return times.length === 0 ? undefined : Math.max(...times);
}

/** Makes entries of what is kept. Only the records of nodes that the log names count: others may share a topic. */
export class SinkSide {
  /** Records of handlers that are not asked for. */
  ofOtherHandlers = 0;
  /** Lines of a list that cannot be understood. */
  badLines = 0;
  readonly #names: AuditNames;
  readonly #span: TimeSpan;

  constructor(names: AuditNames, span: TimeSpan) {
    this.#names = names;
    this.#span = span;
  }

  /** The entry of a record; undefined if it does not count. */
  entryOf({ topic, partition, offset, handler, node, id, source, value }: KeptRecord): Entry | undefined {
    const name = this.#nameOf(handler, node, id);
    if (name === undefined) return undefined;
    return {
      ...name,
      flags: source === sourceDefinitions.socket.header ? entryFlags.maybeReprint : 0,
      value: hash("sha256", value ?? Buffer.alloc(0), "buffer"),
      content: entryContent(value),
      place: this.#names.partitions.number(`${topic}/${partition}`),
      offset,
      topic: this.#names.topics.find(topic) ?? this.#names.topics.number(topic),
    };
  }

  /**
   * The entry of a line of a list: `handler<TAB>node<TAB>id[<TAB>sha256 of the value in hex]`; undefined if it does not
   * count or cannot be understood.
   */
  entryOfLine(line: string, offset: number): Entry | undefined {
    const [handler = "", node = "", id = "", digest, ...more] = line.split("\t");
    if (more.length > 0 || id === "" || (digest !== undefined && !/^[0-9a-f]{64}$/i.test(digest))) {
      this.badLines += 1;
      return undefined;
    }
    const name = this.#nameOf(handler, node, id);
    if (name === undefined) return undefined;
    const value = digest === undefined ? undefined : Buffer.from(digest, "hex");
    // What has the form of a re-print is its own: then the digest of its content is that of its value.
    const flags = value === undefined ? entryFlags.nameOnly : entryFlags.maybeReprint;
    return {
      ...name,
      flags,
      value,
      content: value,
      place: this.#names.partitions.number("list"),
      offset,
      topic: anyTopic,
    };
  }

  #nameOf(
    handler: string,
    node: string,
    id: string,
  ): Pick<Entry, "kind" | "identity" | "second" | "node" | "handler"> | undefined {
    const number = this.#names.nodes.find(node);
    if (number === undefined) return undefined;
    const second = secondOf(id);
    if (!isInSpan(second, this.#span)) return undefined;
    const handlerNumber = this.#names.handlers.find(handler);
    if (handlerNumber === undefined) {
      this.ofOtherHandlers += 1;
      return undefined;
    }
    const identity = identityOf(handler, node, id);
    return { kind: entryKinds.kept, identity, second, node: number, handler: handlerNumber };
  }
}

/** No id is longer than an alert's line may be; a list has short lines. */
const maxListLineBytes = 64 * 1024;

/** Splits a list into lines, whatever pieces it comes in. */
export class ListLines {
  readonly #splitter = new LineSplitter(
    { next: (_bytes, from, end) => (from < end ? from : -1), ignored: () => undefined },
    maxListLineBytes,
  );

  /** @throws DfnError DATA for a line that is too long to be one of a list */
  *push(chunk: Buffer): Generator<{ readonly line: string; readonly offset: number }> {
    for (const { kind, bytes, offset } of this.#splitter.push(chunk)) {
      if (kind === "over-long") throw new DfnError("DATA", `--ids: the line at byte ${offset} is longer than 64 KiB`);
      const line = bytes.toString().replace(/\r$/, "");
      if (line !== "") yield { line, offset };
    }
  }

  /** The last line, if it has no newline. */
  end(): Generator<{ readonly line: string; readonly offset: number }> {
    return this.push(Buffer.from("\n"));
  }
}
