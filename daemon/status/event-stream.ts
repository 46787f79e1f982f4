import type { ServerResponse } from "node:http";

/** Bytes that may wait for a reader; what comes then is dropped. */
const maxWaiting = 16 * 1024;
/** How far a reader may be behind, what was dropped included; then its stream ends. */
const maxBehind = 64 * 1024;
const commentEveryMs = 5000;
/** A reader that takes nothing for this long is gone. */
const idleMs = 20_000;
const maxOfAddress = 2;
const maxOfUnixSocket = 8;
const maxOfPorts = 24;

/** Who may have how many streams: an address, or undefined for the Unix socket. */
type Reader = string | undefined;

/** Server-sent events as they go over the wire. @param data one line, or lines */
export function eventFrame(event: string, data: string): string {
  const lines = data
    .split(/\r\n|[\r\n]/)
    .map((line) => `data: ${line}\n`)
    .join("");
  return `event: ${event}\n${lines}\n`;
}

/**
 * One response that goes on. A reader that is slow loses frames, and its stream when it falls too far behind: nothing
 * waits for it.
 */
export class EventStream {
  readonly reader: Reader;
  readonly #response: ServerResponse;
  readonly #ended = new AbortController();
  /** Bytes that were not written since the reader had last taken everything. */
  #missed = 0;
  #dropped = 0;

  constructor(response: ServerResponse, reader: Reader) {
    this.#response = response;
    this.reader = reader;
    response.once("close", () => this.#ended.abort());
    // Of a connection that broke nothing more can be said; "close" follows.
    response.on("error", () => undefined);
  }

  /** Aborted when the stream has ended, from either side. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Frames that the reader did not get. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Sends a frame, see `eventFrame`, or drops it because too much waits already.
   * @returns whether it was sent
   */
  send(frame: string): boolean {
    if (this.#ended.signal.aborted) return false;
    const waiting = this.#response.writableLength + (this.#response.socket?.writableLength ?? 0);
    if (waiting === 0) this.#missed = 0;
    if (waiting < maxWaiting) {
      this.#response.write(frame);
      return true;
    }
    this.#dropped += 1;
    this.#missed += Buffer.byteLength(frame);
    if (waiting + this.#missed > maxBehind) this.end();
    return false;
  }

  /** Ends the stream at once; what waits is not sent. Safe to call twice. */
  end(): void {
    this.#ended.abort();
    this.#response.destroy();
  }
}

/** All streams that are open, within their limits. */
export class EventStreams {
  readonly #open = new Set<EventStream>();
  #comments: NodeJS.Timeout | undefined;

  get size(): number {
    return this.#open.size;
  }

  /** Whether there is room for one more stream of a reader. */
  hasRoom(reader: Reader): boolean {
    let own = 0;
    let ofPorts = 0;
    for (const stream of this.#open) {
      if (stream.reader === reader) own += 1;
      if (stream.reader !== undefined) ofPorts += 1;
    }
    if (reader === undefined) return own < maxOfUnixSocket;
    return own < maxOfAddress && ofPorts < maxOfPorts;
  }

  /** Makes a response whose head was written a stream. The caller has asked `hasRoom`. */
  open(response: ServerResponse, reader: Reader): EventStream {
    const stream = new EventStream(response, reader);
    response.socket?.setTimeout(idleMs);
    this.#open.add(stream);
    this.#comments ??= setInterval(() => this.#comment(), commentEveryMs).unref();
    stream.ended.addEventListener("abort", () => this.#forget(stream), { once: true });
    return stream;
  }

  /** Ends those that a condition holds for. */
  endWhere(isOver: (stream: EventStream) => boolean): void {
    for (const stream of this.#open) if (isOver(stream)) stream.end();
  }

  #comment(): void {
    for (const stream of this.#open) stream.send(":\n\n");
  }

  #forget(stream: EventStream): void {
    this.#open.delete(stream);
    if (this.#open.size > 0) return;
    clearInterval(this.#comments);
    this.#comments = undefined;
  }
}
