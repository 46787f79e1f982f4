import type { FileHandle } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { describe } from "../../errors.ts";
import {
  headersOf,
  type Batch,
  type FoundValues,
  type BatchOutcome,
  type Lookup,
  type Shipped,
  type Sink,
  type OffsetsByPartition,
  type SinkRecord,
  type WriteOutcome,
} from "../../contract.ts";
import { ConditionLog } from "../../telemetry/condition-log.ts";
import type { Log } from "../../telemetry/log.ts";
import { type ReasonCode, writeFailure } from "../../telemetry/reason-codes.ts";
import { behindOwnLink } from "../../disk/open-file.ts";
import type { RecordSearch, TopicSearch } from "../../records/record-search.ts";
import type { RecordReading, TopicExtent, UnreadRecords } from "../../records/record-reading.ts";
import { findInFile } from "./find-records.ts";
import { extentsInFile, readFromFile } from "./read-records.ts";
import { countRecords, type FoundInFile } from "./read-back.ts";
import { countRotated, rotatedFrom } from "./rotated.ts";
import { RecordFile } from "./record-file.ts";

const retryMs = 1000;
/** A file that may have been begun after the checkpoint has become no larger than its offset in the meantime, or is small. */
const mostReadAgain = 64 * 1024 * 1024;

/** One record as a line of the file sink, without the newline; fixed form: key, headers and value as text. */
export function fileLine(topic: string, partition: number, record: SinkRecord): string {
  const headers: Record<string, string> = {};
  for (const [name, value] of headersOf(record)) headers[name] = value.toString();
  const key = record.key === null ? null : record.key.toString();
  const value = record.value === null ? null : record.value.toString();
  return JSON.stringify({ topic, partition, key, headers, value });
}

/**
 * Writes records as JSON lines into a file, synced before they are acknowledged. The offset of a record is the byte at
 * which its line starts. A file that was moved away (logrotate) is begun again.
 */
export class FileSink implements Sink {
  readonly maxInFlight = 1;
  readonly #path: string;
  readonly #log: Log;
  readonly #stop = new AbortController();
  readonly #file: RecordFile;
  readonly #condition: ConditionLog<ReasonCode>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
    this.#condition = new ConditionLog(log, { repeatMs: Infinity });
    this.#file = new RecordFile(path, log, this.#stop.signal);
  }

  /** Why records cannot be written at present, and what to do; undefined while they can. */
  get trouble(): string | undefined {
    return this.#condition.reason;
  }

  get troubleCode(): ReasonCode | undefined {
    return this.#condition.code;
  }

  /** Finds records that are in the file; see `findInFile`. */
  find(search: RecordSearch): Promise<readonly TopicSearch[]> {
    return findInFile(this.#path, search);
  }

  /** Where the file begins and ends; see `extentsInFile`. */
  extents(topics: readonly string[]): Promise<readonly TopicExtent[]> {
    return extentsInFile(this.#path, topics);
  }

  /** Reads what is in the file; see `readFromFile`. */
  read(reading: RecordReading): Promise<readonly UnreadRecords[]> {
    return readFromFile(this.#path, reading);
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

  write(batch: Batch): Promise<BatchOutcome> {
    return this.#inTurn(() => this.#append(batch));
  }

  lookup(
    topics: readonly string[],
    since: OffsetsByPartition,
    _nodes?: ReadonlySet<string>,
    keeps?: "values",
  ): Promise<Lookup> {
    return this.#inTurn(async () => {
      const { handle, bytes } = await this.#file.look();
      const starts = Object.values(since);
      const shipped: Shipped = new Map();
      const values: FoundValues | undefined = keeps === "values" ? new Map() : undefined;
      if (starts.length > 0)
        await this.#count(handle, bytes, Math.min(...starts), { topics: new Set(topics), shipped, values });
      return { shipped, values, next: Object.fromEntries(topics.map((topic) => [`${topic}/0`, bytes])) };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#last;
    await this.#file[Symbol.asyncDispose]();
  }

  /**
   * Counts what was written since a checkpoint. Its offset may be one of a file that logrotate has moved away since: every
   * record to be found there is behind it, and the file that was begun then is read from its beginning.
   */
  async #count(handle: FileHandle, bytes: number, start: number, found: FoundInFile): Promise<void> {
    const rotated = await rotatedFrom(await behindOwnLink(this.#path));
    for (const file of rotated) {
      const trouble = await countRotated(file, start, found);
      if (trouble === undefined) continue;
      const what = "a rotated file could not be searched for what was written before the last stop";
      this.#log.warn(
        { code: "rotated-record-file-not-searched", path: file.path, reason: trouble },
        `${what}: some alerts may be written twice`,
      );
    }
    const isOfAnother = start > bytes || (rotated.length > 0 && start <= mostReadAgain);
    await countRecords(handle, isOfAnother ? 0 : start, bytes, found);
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
        this.#condition.clear("records can be written again", { path: this.#path });
        return result;
      } catch (reason) {
        this.#stop.signal.throwIfAborted();
        const what = "records cannot be written";
        const remedy = "nothing is lost, it is tried again each second: make room or fix the permissions of the file";
        this.#condition.raise(`${what}: ${this.#path}: ${describe(reason)}; ${remedy}`, {
          code: writeFailure("file-sink", reason),
          text: `${what}; ${remedy}`,
          fields: { path: this.#path, reason: describe(reason) },
        });
        await pause(retryMs, undefined, { signal: this.#stop.signal });
      }
    }
  }

  async #append(batch: Batch): Promise<BatchOutcome> {
    const lines = batch.records().map((record) => Buffer.from(`${fileLine(batch.topic, batch.partition, record)}\n`));
    let offset = await this.#file.append(Buffer.concat(lines));
    const outcomes = lines.map(({ length }): WriteOutcome => {
      offset += length;
      return { kind: "acknowledged", offset: offset - length };
    });
    return { kind: "each", outcomes };
  }
}
