import { mkdir, open, stat, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe } from "../errors.ts";
import {
  headerNames,
  lookupKey,
  type Batch,
  type Lookup,
  type Shipped,
  type Sink,
  type SinkOffsets,
  type SinkRecord,
  type WriteOutcome,
} from "../delivery/contract.ts";
import { syncDirectory } from "../disk/atomic-file.ts";
import type { Log } from "../telemetry/log.ts";

interface OpenFile {
  readonly handle: FileHandle;
  readonly ino: number;
  /** Bytes of whole records that are durable. */
  bytes: number;
  /** More than that may stand in the file. */
  isTorn: boolean;
}

const retryMs = 1000;
const readBytes = 1 << 20;

/** One record as a line of the file sink, without the newline; fixed form: key, headers and value as text. */
export function fileLine(topic: string, partition: number, record: SinkRecord): string {
  const headers: Record<string, string> = {};
  for (const [name, value] of record.headers) headers[name] = value.toString();
  const key = record.key === null ? null : record.key.toString();
  const value = record.value === null ? null : record.value.toString();
  return JSON.stringify({ topic, partition, key, headers, value });
}

/**
 * Writes records as JSON lines into a file, synced before they are acknowledged. The offset of a record is the byte at
 * which its line starts. A file that was moved away (logrotate) is begun anew.
 */
export class FileSink implements Sink {
  readonly maxInFlight = 1;
  readonly #path: string;
  readonly #log: Log;
  readonly #stop = new AbortController();
  #file: OpenFile | undefined;
  #trouble: string | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** Why records cannot be written at present, and what to do; undefined while they can. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  open(): void {
    // The file is opened by the look-up, which comes before the first write.
  }

  partitions(): number {
    return 1;
  }

  onChange(): void {
    // There is always one partition.
  }

  write(batch: Batch): Promise<readonly WriteOutcome[]> {
    return this.#inTurn(() => this.#append(batch));
  }

  lookup(topics: readonly string[], since: SinkOffsets): Promise<Lookup> {
    return this.#inTurn(async () => {
      const { handle, bytes } = await this.#opened();
      const starts = Object.values(since);
      const shipped: Shipped = new Map();
      // An offset beyond the end belongs to a file that was moved away since.
      const start = Math.min(...starts);
      if (starts.length > 0) await count(handle, start <= bytes ? start : 0, bytes, shipped);
      return { shipped, next: Object.fromEntries(topics.map((topic) => [`${topic}/0`, bytes])) };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#last;
    await this.#file?.handle.close();
    this.#file = undefined;
  }

  #inTurn<T>(attempt: () => Promise<T>): Promise<T> {
    const done = this.#last.then(() => this.#retry(attempt));
    // What comes next waits for this, whether or not it came to an end.
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #retry<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      this.#stop.signal.throwIfAborted();
      try {
        const result = await attempt();
        if (this.#trouble !== undefined) this.#log.info({ path: this.#path }, "records can be written again");
        this.#trouble = undefined;
        return result;
      } catch (reason) {
        const what = "records cannot be written";
        const remedy = "nothing is lost, it is tried again each second: make room or mend the rights of the file";
        if (this.#trouble === undefined) {
          this.#log.error({ path: this.#path, reason: describe(reason) }, `${what}; ${remedy}`);
        }
        this.#trouble = `${what}: ${this.#path}: ${describe(reason)}; ${remedy}`;
        await pause(retryMs, undefined, { signal: this.#stop.signal });
      }
    }
  }

  /** Appends a batch whole or not at all: what was half written is cut off again. */
  async #append(batch: Batch): Promise<WriteOutcome[]> {
    const file = await this.#opened();
    if (file.isTorn) await mend(file);
    const outcomes: WriteOutcome[] = [];
    const lines: Buffer[] = [];
    let offset = file.bytes;
    for (const record of batch.records) {
      const line = Buffer.from(`${fileLine(batch.topic, batch.partition, record)}\n`);
      outcomes.push({ kind: "acknowledged", offset });
      offset += line.length;
      lines.push(line);
    }
    try {
      await file.handle.appendFile(Buffer.concat(lines));
      await file.handle.datasync();
    } catch (reason) {
      file.isTorn = true;
      await mend(file);
      throw reason;
    }
    file.bytes = offset;
    return outcomes;
  }

  async #opened(): Promise<OpenFile> {
    const there = await stat(this.#path).catch(() => undefined);
    const known = this.#file;
    // Shorter than what was written: emptied in place by someone else.
    if (known !== undefined && known.ino === there?.ino && known.bytes <= there.size) return known;
    await known?.handle.close();
    this.#file = undefined;
    await mkdir(dirname(this.#path), { recursive: true });
    const handle = await open(this.#path, "a+", 0o640);
    try {
      const { size, ino } = await handle.stat();
      const bytes = await wholeLines(handle, size);
      if (bytes < size) {
        this.#log.warn(
          { path: this.#path, bytes: size - bytes },
          "cut off a record that a crash had left half written",
        );
        await handle.truncate(bytes);
      }
      // A file that was just made has its name on the disk before a record counts as there.
      if (size === 0) await syncDirectory(dirname(this.#path));
      this.#file = { handle, bytes, ino, isTorn: false };
      return this.#file;
    } catch (reason) {
      await handle.close();
      throw reason;
    }
  }
}

async function mend(file: OpenFile): Promise<void> {
  await file.handle.truncate(file.bytes);
  file.isTorn = false;
}

/** The size of a file without its unfinished last line. */
async function wholeLines(handle: FileHandle, size: number): Promise<number> {
  const chunk = Buffer.alloc(64 * 1024);
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - chunk.length);
    const { bytesRead } = await handle.read(chunk, 0, end - start, start);
    const newline = chunk.subarray(0, bytesRead).lastIndexOf(0x0a);
    if (newline >= 0) return start + newline + 1;
    end = start;
  }
  return 0;
}

/** Counts the records from a line's start to the end. A line in a form that is not ours is passed over. */
async function count(handle: FileHandle, start: number, end: number, shipped: Shipped): Promise<void> {
  const chunk = Buffer.alloc(readBytes);
  let partial: Buffer = Buffer.alloc(0);
  for (let at = start; at < end;) {
    const { bytesRead } = await handle.read(chunk, 0, Math.min(chunk.length, end - at), at);
    if (bytesRead === 0) return;
    at += bytesRead;
    const bytes = Buffer.concat([partial, chunk.subarray(0, bytesRead)]);
    let from = 0;
    for (let to = bytes.indexOf(0x0a); to >= 0; to = bytes.indexOf(0x0a, from)) {
      const key = keyOf(bytes.toString("utf8", from, to));
      if (key !== undefined) shipped.set(key, (shipped.get(key) ?? 0) + 1);
      from = to + 1;
    }
    partial = Buffer.from(bytes.subarray(from));
  }
}

function keyOf(line: string): string | undefined {
  try {
    const record: unknown = JSON.parse(line);
    if (!isObject(record) || !isObject(record["headers"])) return undefined;
    const { [headerNames.id]: id, [headerNames.handler]: handler, [headerNames.node]: node } = record["headers"];
    if (typeof id !== "string" || typeof handler !== "string") return undefined;
    return lookupKey(typeof node === "string" ? node : "", id, handler);
  } catch {
    return undefined; // A foreign line in our file says nothing about our records.
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
