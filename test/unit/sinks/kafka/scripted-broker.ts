import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { errnoOf } from "../../../../daemon/errors.ts";
import { ByteReader } from "../../../../daemon/sinks/kafka/protocol/byte-reader.ts";
import { recordsIn } from "./stored.ts";
import { int16, int32, int64, string } from "./wire.ts";
import type { FetchedRecord } from "../../../../daemon/sinks/kafka/protocol/record-reader.ts";

/** A produce request as the broker reads it. */
export interface Produced {
  readonly producerId: bigint;
  readonly epoch: number;
  readonly partition: number;
  readonly sequence: number;
  /** The whole batch, byte by byte. */
  readonly batch: Buffer;
  readonly records: readonly FetchedRecord[];
}

/**
 * What the script wants done with a produce request: append it and say so, answer with an error code, append it and
 * answer with an error code, answer about another partition, close the connection (with or without appending before),
 * or nothing at all.
 */
export type Reaction =
  | "append"
  | { readonly code: number; readonly isAppended?: boolean }
  | "other-partition"
  | "append-and-close"
  | "close"
  | "silence";

/** What a broker reports about the pool. */
export interface ClusterView {
  /** Ports of the brokers, which have the ids 1, 2, ...; all on 127.0.0.1. */
  readonly ports: readonly number[];
  /** Per partition: id of the leader, and its epoch. */
  readonly leaders: readonly (readonly [leader: number, epoch: number])[];
}

const versions = [
  [0, 7],
  [1, 11],
  [2, 3],
  [3, 7],
  [18, 2],
  [22, 1],
] as const;

/**
 * A broker of one topic with one partition, whose answers a test writes: for faults that a real Kafka shows too rarely.
 * It keeps what it appended and can be read.
 */
export class ScriptedBroker implements AsyncDisposable {
  readonly topic = "t";
  readonly produced: Produced[] = [];
  readonly log: FetchedRecord[] = [];
  connections = 0;
  /** New connections are ended as soon as they are made. */
  refusesConnections = false;
  /** Connections that the other side ended with a reset. */
  resets = 0;
  metadataCode = 0;
  /** Reported in place of a cluster of this broker alone. */
  view: ClusterView | undefined;
  /** Metadata requests that were answered. */
  metadataAnswers = 0;
  /** Throttle time of each metadata answer. */
  throttlesMetadataMs = 0;
  /** Metadata requests so far. */
  questions = 0;
  /** No broker leads the partition. */
  isLeaderless = false;
  /** Partitions that the metadata list; all share one log. */
  listedPartitions = 1;
  /** Partitions that the broker knows. */
  partitions = 1;
  /** Number of records that all in-sync replicas have, so that clients see them; undefined: all. */
  replicated: number | undefined;
  /** Error code of the answer to a request for the end of the log beyond that. */
  logEndCode = 0;
  /** Called for every offset request of a client, in order: the code of the answer. */
  codeOfOffsets: (count: number) => number = () => 0;
  #offsetQuestions = 0;
  /** The leader's host as the metadata name it. */
  advertisedHost = "127.0.0.1";
  /** Metadata requests get no answer. */
  hidesMetadata = false;
  /** Per API key: what answers to these requests wait for. */
  held: Readonly<Record<number, Promise<void>>> = {};
  fetchCode = 0;
  /** Partitions to which it applies; undefined: all. */
  fetchCodeOf: number | undefined;
  /** Maximum number of batches in an answer to a fetch. */
  batchesAtOnce = Infinity;
  /** Called for every fetch, in order; if it returns false, the connection is closed. */
  answersFetch: (count: number) => boolean = () => true;
  /**
   * Called for every fetch that is answered, in order: the throttle time of an answer without topics, 0 for a whole
   * one.
   */
  throttlesFetch: (count: number) => number = () => 0;
  /** Throttle time of each answer to a produce request; its connection is not read during that time. */
  throttlesProduceMs = 0;
  /** Offsets that were fetched from, in order. */
  readonly fetched: number[] = [];
  #fetches = 0;
  /** Called for every produce request, in order. */
  react: (request: Produced, count: number) => Reaction = () => "append";
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #batches: { readonly from: number; readonly batch: Buffer }[] = [];
  #producerId = 100n;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<ScriptedBroker> {
    const server = createServer();
    const broker = new ScriptedBroker(server);
    server.on("connection", (socket) => broker.#serve(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return broker;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Values of the log, as text. */
  get values(): string[] {
    return this.log.map(({ value }) => String(value));
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the server does not listen");
    return address.port;
  }

  #serve(socket: Socket): void {
    this.connections += 1;
    if (this.refusesConnections) return void socket.destroy();
    this.#sockets.add(socket);
    let received = Buffer.alloc(0);
    let last: Promise<void> = Promise.resolve();
    socket.on("error", (error) => {
      if (errnoOf(error) === "ECONNRESET") this.resets += 1; // The other side hangs up when it likes.
    });
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
        const request = received.subarray(4, 4 + received.readInt32BE(0));
        received = received.subarray(4 + request.length);
        // One connection's requests are served in order, as in Kafka.
        last = last
          .then(() => this.#answer(socket, request))
          .then((pauseMs) => (pauseMs > 0 ? delay(pauseMs) : undefined));
      }
    });
  }

  /** @returns how long the connection is not read; milliseconds */
  async #answer(socket: Socket, request: Buffer): Promise<number> {
    const reader = new ByteReader(request);
    const apiKey = reader.int16();
    reader.skip(2);
    const correlationId = reader.int32();
    reader.string();
    await this.held[apiKey];
    const body = apiKey === 0 ? await this.#produce(reader) : this.#simpleAnswer(apiKey, reader);
    if (body === "close") socket.destroy();
    if (!Buffer.isBuffer(body)) return 0;
    socket.write(Buffer.concat([int32(body.length + 4), int32(correlationId), body]));
    return apiKey === 0 ? this.throttlesProduceMs : 0;
  }

  #simpleAnswer(apiKey: number, reader: ByteReader): Buffer | "close" | "silence" {
    switch (apiKey) {
      case 18:
        return Buffer.concat([int16(0), int32(versions.length), ...versions.map(([key, max]) => int16(key, 0, max))]);
      case 3:
        this.questions += 1;
        if (this.hidesMetadata) return "silence";
        this.metadataAnswers += 1;
        return this.#metadata();
      case 22:
        return Buffer.concat([int32(0), int16(0), int64((this.#producerId += 1n)), int16(0)]);
      case 2:
        return this.#offsets(reader);
      case 1:
        return this.#fetch(reader);
      default:
        throw new Error(`the scripted broker does not know request ${apiKey}`);
    }
  }

  #metadata(): Buffer {
    const own = Array.from({ length: this.listedPartitions }, () => [this.isLeaderless ? -1 : 1, 0] as const);
    const { ports, leaders } = this.view ?? { ports: [this.port], leaders: own };
    const brokers = ports.flatMap((port, at) => [int32(at + 1), string(this.advertisedHost), int32(port), int16(-1)]);
    const partitions = leaders.flatMap(([leader, epoch], at) => [
      int16(leader < 0 ? 5 : 0),
      int32(at, leader, epoch, 0, 0, 0),
    ]);
    return Buffer.concat([
      Buffer.concat([int32(this.throttlesMetadataMs, ports.length), ...brokers, int16(-1), int32(1, 1)]),
      Buffer.concat([int16(this.metadataCode), string(this.topic), Buffer.alloc(1)]),
      ...(this.metadataCode === 0 ? [int32(leaders.length), ...partitions] : [int32(0)]),
    ]);
  }

  async #produce(reader: ByteReader): Promise<Buffer | "close" | "silence"> {
    reader.skip(2 + 2 + 4 + 4);
    const topic = reader.string();
    reader.skip(4);
    const partition = reader.int32();
    const batch = reader.bytes(reader.int32());
    const { records } = await recordsIn(batch);
    const request = {
      producerId: batch.readBigInt64BE(43),
      epoch: batch.readInt16BE(51),
      sequence: batch.readInt32BE(53),
      partition,
      batch,
      records,
    };
    this.produced.push(request);
    const reaction = this.react(request, this.produced.length);
    const isObject = typeof reaction === "object";
    const from = this.log.length;
    if (reaction === "append" || reaction === "append-and-close" || (isObject && reaction.isAppended === true)) {
      this.append(batch, records);
    }
    if (reaction === "close" || reaction === "append-and-close") return "close";
    if (reaction === "silence") return "silence";
    const answered = reaction === "other-partition" ? partition + 1 : partition;
    const code = isObject ? reaction.code : 0;
    return Buffer.concat([
      Buffer.concat([int32(1), string(topic), int32(1, answered), int16(code)]),
      Buffer.concat([int64(code === 0 ? from : -1, -1, 0), int32(this.throttlesProduceMs)]),
    ]);
  }

  /** Puts a batch into the log, as the leader does. */
  append(batch: Buffer, records: readonly FetchedRecord[]): void {
    const from = this.log.length;
    const stored = Buffer.from(batch);
    stored.writeBigInt64BE(BigInt(from), 0);
    this.#batches.push({ from, batch: stored });
    for (const [index, record] of records.entries()) this.log.push({ ...record, offset: from + index });
  }

  /** The topic is deleted, and created without a record in it. */
  recreateTopic(): void {
    this.#batches.length = 0;
    this.log.length = 0;
  }

  /**
   * The leader has nothing from this offset on: as one that was elected without being in sync. A batch begins there.
   */
  truncate(offset: number): void {
    const left = this.#batches.filter(({ from }) => from < offset);
    this.#batches.splice(0, Infinity, ...left);
    this.log.splice(offset);
  }

  #offsets(reader: ByteReader): Buffer {
    const isReplica = reader.int32() === -2;
    reader.skip(1 + 4);
    reader.string();
    reader.skip(4);
    const partition = reader.int32();
    const isNext = reader.int64() === -1;
    const asked = isReplica ? this.logEndCode : this.codeOfOffsets((this.#offsetQuestions += 1));
    const code = partition >= this.partitions ? 3 : asked;
    const end = isReplica ? this.log.length : this.#readable;
    const head = [int32(0, 1), string(this.topic), int32(1, partition), int16(code)];
    return Buffer.concat([...head, int64(-1, code !== 0 ? -1 : isNext ? end : 0)]);
  }

  get #readable(): number {
    return Math.min(this.replicated ?? Infinity, this.log.length);
  }

  #fetch(reader: ByteReader): Buffer | "close" {
    this.#fetches += 1;
    if (!this.answersFetch(this.#fetches)) return "close";
    reader.skip(4 + 4 + 4 + 4 + 1 + 4 + 4 + 4);
    reader.string();
    reader.skip(4);
    const partition = reader.int32();
    reader.skip(4);
    const offset = reader.int64();
    this.fetched.push(offset);
    const code = this.fetchCodeOf === undefined || this.fetchCodeOf === partition ? this.fetchCode : 0;
    const throttleMs = this.throttlesFetch(this.#fetches);
    if (throttleMs > 0) return Buffer.concat([int32(throttleMs), int16(0), int32(0, 0)]);
    const batches = this.#batches
      .filter(({ from }, at) => (this.#batches[at + 1]?.from ?? this.log.length) > offset || from >= offset)
      .filter(({ from }) => from < this.#readable)
      .slice(0, this.batchesAtOnce);
    const bytes = Buffer.concat(code === 0 ? batches.map(({ batch }) => batch) : []);
    return Buffer.concat([
      Buffer.concat([int32(0), int16(0), int32(0, 1), string(this.topic), int32(1, partition), int16(code)]),
      Buffer.concat([int64(this.#readable, this.#readable, 0), int32(0, -1, bytes.length), bytes]),
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
