/**
 * The terms that the rooms share.
 *
 * - source: where alerts come from (socket, tail, replay).
 * - delivery: one alert from one source, with a way to report its outcome there.
 * - record: what one handler makes from one alert; one Kafka record.
 * - batch: records of one partition that travel together, encoded.
 * - outcome: how a delivery ended. There is no outcome "failed": a record is retried, dead-lettered or stays open.
 */
import type { Alert } from "./alert/alert.ts";
import { valueDigest } from "./alert/reprint.ts";
import { headerNames } from "./header-names.ts";

/** What is known of a source of alerts, wherever it matters which one an alert came from. */
export interface SourceDefinition {
  /**
   * - push: a client hands over one alert at a time and gets an answer. All such sources are one way to the pairing: its
   *   window does not keep which of them brought a copy.
   * - log: the manager's log. It can be read again, so its lines are what the checkpoint counts, and its word is the one
   *   that counts.
   * - replay: what somebody sends again; never paired.
   */
  readonly kind: "push" | "log" | "replay";
  /** How the header of a record names it (`headerNames.source`). */
  readonly header: string;
}

/** All sources, by the name that they have in metrics, in /status and in dead letters. */
export const sourceDefinitions = {
  socket: { kind: "push", header: "socket" },
  tail: { kind: "log", header: "file" },
  replay: { kind: "replay", header: "replay" },
} as const satisfies Record<string, SourceDefinition>;

export type SourceName = keyof typeof sourceDefinitions;

/** The sources that push. */
export type PushSourceName = {
  [Name in SourceName]: (typeof sourceDefinitions)[Name]["kind"] extends "push" ? Name : never;
}[SourceName];

/** One value for each source. */
export type PerSource<T> = Readonly<Record<SourceName, T>>;

export function perSource<T>(make: (name: SourceName) => T): PerSource<T> {
  return { socket: make("socket"), tail: make("tail"), replay: make("replay") };
}

export function sourceKind(source: SourceName): SourceDefinition["kind"] {
  return sourceDefinitions[source].kind;
}

/** Where the raw bytes of an alert are. */
export interface SourceLocation {
  /** Path of the file, or the name of the source if there is no file. */
  readonly file: string;
  /** Byte offset of the first byte (decompressed, for a `.gz`). */
  readonly offset: number;
  /** Bytes, without the newline. */
  readonly length: number;
}

/** Why an alert, or a line that is not one, is in the dead-letter store. */
export type DeadReason = "not-json" | "over-long" | "torn" | "handler-error" | "record-too-large" | "refused";

/**
 * How a delivery ended.
 * - acknowledged: all its records are in the sink (for a second copy: those of the first copy are).
 * - ignored: no handler wants it.
 * - dead-letter: it is stored, durably, as a dead letter.
 */
export type Outcome = "acknowledged" | "ignored" | "dead-letter";

/** Reports to Wazuh what became of an alert; never blocks. */
export interface FeedbackSink {
  /** @param event called at once, if it is wanted */
  acknowledged(
    event: () => {
      alertId: string;
      agentId: string | undefined;
      agentName: string | undefined;
      agentIp: string | undefined;
      eventFormat: string;
      eventId: string | null;
      winTimestamp: string | null;
      timestamp: string | undefined;
    },
  ): void;
  error(event: { code: number; description: string; status?: "dead-letter" }): void;
}

/** What a handler makes from an alert; the pipeline adds key and headers. */
export interface HandlerRecord {
  /** One of the handler's `topics`. */
  readonly topic: string;
  readonly value: Buffer;
  /** What the feedback event says about this record (docs/wire-format.md); none is sent without it. */
  readonly feedback?: {
    readonly eventFormat: string;
    readonly eventId: string | null;
    readonly winTimestamp: string | null;
  };
  /** Something odd that is reported to Wazuh as an error event; the record is still sent. */
  readonly warning?: string;
}

/**
 * Finds the alerts that may interest a handler, in raw bytes, without parsing.
 * - text: any line that holds these bytes.
 * - key: any line that holds this JSON key (given without quotes) with one of these values, written as a string or as
 *   a bare number. A value written in any other way counts as a match: the handler decides.
 * - all: every line.
 */
export type Needle =
  | { readonly kind: "text"; readonly bytes: Buffer }
  | { readonly kind: "key"; readonly key: string; readonly values: ReadonlySet<string> }
  | { readonly kind: "all" };

/** One kind of alert that is forwarded. Pure: no I/O, no state between alerts. */
export interface Handler {
  readonly name: string;
  /**
   * Every topic that a record of this handler may go to. After a crash exactly these are looked up, so `partsOf` refuses a
   * record that names another one.
   */
  readonly topics: readonly string[];
  readonly needles: readonly Needle[];
  /** The record for an alert, or undefined if the handler does not want it. Throwing dead-letters the alert. */
  record(alert: Alert): HandlerRecord | undefined;
  /** Why an alert that `record` gave nothing for was probably meant for it: a name of `leftOutReasons`. Never throws. */
  leftOut?(alert: Alert): string | undefined;
}

export type Header = readonly [name: string, value: Buffer];

/** One Kafka record, ready to be encoded. */
export interface SinkRecord {
  readonly key: Buffer | null;
  /** The alert's id, which is the first header (`headerNames.id`). */
  readonly id?: string;
  /** The headers after it: one array shared by all records that have the same ones. */
  readonly headers: readonly Header[];
  readonly value: Buffer | null;
  /** Where the alert is that it was made from, if the sink is to name it. */
  readonly place?: SourceLocation | undefined;
}

/** All headers of a record, in their order. */
export function headersOf({ id, headers }: SinkRecord): readonly Header[] {
  return id === undefined ? headers : [[headerNames.id, Buffer.from(id)], ...headers];
}

/** When and where the alerts were written that records were made from. */
export interface AlertSpan {
  /** Seconds since 1970 of the first and the last one, as the ids have them; undefined if no id does. */
  readonly firstSecond: number | undefined;
  readonly lastSecond: number | undefined;
  /**
   * Where a file has to be read from to find all of them. Undefined if one of them came by the socket, so that its line may
   * be before those that the tail read, and where they are in several files.
   */
  readonly place: Pick<SourceLocation, "file" | "offset"> | undefined;
}

/** Records in their order, in the bytes that Kafka has for them (`records/record-buffer.ts`). */
export interface EncodedRecords {
  readonly count: number;
  /**
   * `headRoomBytes` for the header of a Kafka batch, which a sink may write there, and behind them the records,
   * uncompressed. Theirs until all have an outcome: then the memory is used for others.
   */
  readonly encoded: Buffer;
  readonly span: AlertSpan;
  /**
   * Decodes the records, into memory that no other batch uses: costs a copy of all bytes, unless it is a batch of one record
   * beyond the usual size. All their headers are in `headers`.
   */
  records(): readonly SinkRecord[];
}

/** Records of one partition, sent together. */
export interface Batch extends EncodedRecords {
  readonly topic: string;
  readonly partition: number;
}

/** Refused, because no retry can help. */
export interface Refusal {
  readonly kind: "refused";
  readonly reason: DeadReason;
  readonly detail: string;
}

/** Of one record: acknowledged with its offset in the partition (a safe integer), or refused. */
export type WriteOutcome = { readonly kind: "acknowledged"; readonly offset: number } | Refusal;

/**
 * Of a batch.
 * - acknowledged: each of its records, and their offsets follow one another.
 * - each: one outcome per record, in their order.
 */
export type BatchOutcome =
  | { readonly kind: "acknowledged"; readonly baseOffset: number }
  | { readonly kind: "each"; readonly outcomes: readonly WriteOutcome[] };

/** Per `topic/partition`: an offset. */
export type OffsetsByPartition = Readonly<Record<string, number>>;

/** Whether there is an offset of any partition of a topic: a look-up then reads those without one from their beginning. */
export function hasOffsetOf(offsets: OffsetsByPartition, topic: string): boolean {
  return Object.keys(offsets).some((name) => name.startsWith(`${topic}/`));
}

/** What a look-up found: for each `lookupKey`, how many records have it. */
export type Shipped = Map<string, number>;

/** How a record that was found is written, by the same keys: one for each record. */
export type FoundValues = Map<string, FoundValue[]>;

export interface FoundValue {
  /** SHA-256 of the value, in lower-case hex. */
  readonly valueHash: string;
  /** Its header says that the socket brought it. */
  readonly isFromSocket: boolean;
  /** Its header says that it was sent again by hand. */
  readonly isReplay: boolean;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What a `lookupKey` is of. */
export function namesInKey(key: string): { readonly node: string; readonly id: string; readonly handler: string } {
  const [handler = "", node = "", id = ""] = key.split("\u0000");
  return { handler, node, id };
}

/**
 * The key under which a record is found again after a crash: node, alert id, handler and a digest of its value. A
 * record that was made from other content under the same id does not count as the alert's.
 */
export function lookupKey(node: string, id: string, handler: string, value: Buffer | null): string {
  return `${handler}\u0000${node}\u0000${id}\u0000${valueDigest(value)}`;
}

/**
 * Where records go. A sink retries by itself for ever, until it is disposed; it refuses only what no retry can help.
 * Disposing is safe in every state, even before `open` and twice.
 */
export interface Sink extends AsyncDisposable {
  /** Starts connecting. Returns at once; never throws because the other side is away. */
  open(): void;
  /**
   * Partitions of a topic, or undefined while they are not known; asking makes the sink find out. `onChange` is called
   * whenever more is known.
   */
  partitions(topic: string): number | undefined;
  /** Adds a function that is called when the answer of `partitions` may have changed. */
  onChange(listener: () => void): void;
  /** Maximum batches in flight for one partition; `write` of one partition is called in order. */
  readonly maxInFlight: number;
  /**
   * Sends a batch and resolves when each of its records has an outcome; what was got from `batch.encoded` is used no more
   * then. Batches of one partition are appended in the order of the calls. Rejects only when the sink was disposed: the
   * outcome is then unknown.
   */
  write(batch: Batch): Promise<BatchOutcome>;
  /**
   * Reads back what is in the sink, before the first write. Retries while the other side is away.
   * @param topics all topics that may be written
   * @param since  where to start, per `topic/partition`. A topic with no entry at all is not read; a partition without
   *               an entry, of a topic that has some, is read from its beginning (it was added later).
   * @param nodes  whose records count; others may share a topic. Undefined: everybody's
   * @param keeps  "values": `Lookup.values` is wanted
   */
  lookup(
    topics: readonly string[],
    since: OffsetsByPartition,
    nodes?: ReadonlySet<string>,
    keeps?: "values",
  ): Promise<Lookup>;
}

export interface Lookup {
  /** What was found, or undefined if the sink cannot be read (no permission). */
  readonly shipped: Shipped | undefined;
  /** Present if it was asked for, and the sink can tell. */
  readonly values?: FoundValues | undefined;
  /** Why the look-up may have missed some records; a sentence for the log. What was found still counts. */
  readonly refusal?: string;
  /** Per `topic/partition` of these topics: the offset that the next record will get. */
  readonly next: OffsetsByPartition;
}

/** Who brought an alert and waits for its outcome. */
export interface Owner {
  /**
   * Called exactly once if `offer` returns "taken", "duplicate", "rejected" or "salvaged", maybe before it returns.
   * @param line the delivery's; `unknownLine` if it has none
   */
  settled(outcome: Outcome, line: number): void;
  /** Called for each piece of a broken line that was taken or rejected, before `settled`. */
  pieceSettled?(outcome: Outcome): void;
}

/** A copy of an alert that waits for the outcome of another one. */
export interface Waiter {
  readonly source: SourceName;
  readonly owner: Owner;
  /** The number of its line, if it is from the log: lines that are read later have higher ones. */
  readonly line?: number;
}

/** Of a delivery that did not come from the log, before the log brings the same alert. Higher than any line. */
export const unknownLine = Number.POSITIVE_INFINITY;
