import { once } from "node:events";
import type { Batch, BatchOutcome, Lookup, Sink } from "../contract.ts";
import { printableJson } from "../printable.ts";
import { fileLine } from "./file/sink.ts";

/**
 * Writes records to a stream in the file sink's form: for a look at what would be sent. Nothing is durable. It may be a
 * terminal, so what could steer one is escaped, as JSON allows.
 */
export class StreamSink implements Sink {
  readonly maxInFlight = 1;
  readonly #stream: NodeJS.WritableStream;
  readonly #closed = new AbortController();
  #offset = 0;

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
    stream.on("error", () => this.#closed.abort());
  }

  /** Aborted when the reader of the stream has gone: nothing more can be written. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  open(): void {
    // A stream is open.
  }

  partitions(): number {
    return 1;
  }

  onChange(): void {
    // There is always one partition.
  }

  async write(batch: Batch): Promise<BatchOutcome> {
    const { topic, partition, count } = batch;
    const lines = batch.records().map((record) => `${printableJson(fileLine(topic, partition, record))}\n`);
    if (!this.#stream.write(lines.join(""))) {
      await Promise.race([once(this.#stream, "drain"), once(this.closed, "abort")]).catch(() => this.#closed.abort());
    }
    const baseOffset = this.#offset;
    this.#offset += count;
    return { kind: "acknowledged", baseOffset };
  }

  async lookup(): Promise<Lookup> {
    return { shipped: new Map(), next: {} };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The stream belongs to the process.
  }
}
