/**
 * The dead-letter store: what no retry can mend, kept with its raw bytes. Append-only segments of JSON lines in a
 * directory of the state directory; one segment file per process, so a replay beside the running forwarder does not
 * disturb it. Entries that arrive together are written and synced together.
 */
import { mkdir, open, readdir, stat, rename, type FileHandle } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { describe } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";
import type { DeadReason, Place, SourceName } from "./contract.ts";

/** One entry, as it stands in the file. */
export interface DeadLetter {
  readonly version: 1;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly source: SourceName;
  readonly reason: DeadReason;
  /** A sentence on what was wrong. */
  readonly detail: string;
  /** The handler whose record was refused, where there is one. */
  readonly handler?: string;
  readonly place: Place;
  /** The alert's bytes in base64; absent when they were given up for room. */
  readonly raw?: string;
  /** Bytes in `raw` where it holds only the beginning of an over-long line. */
  readonly keptBytes?: number;
}

export type NewDeadLetter = Omit<DeadLetter, "version" | "time" | "raw" | "keptBytes"> & { readonly bytes: Buffer };

export interface DeadLetterLimits {
  /** Most bytes of all segments together; beyond, the oldest entries lose their raw bytes, not their position. */
  readonly maxBytes: number;
  /** Size at which a new segment is begun. */
  readonly segmentBytes: number;
}

interface Waiting {
  readonly line: Buffer;
  readonly stored: () => void;
}

const retryMs = 1000;

export class DeadLetterStore implements AsyncDisposable {
  readonly #directory: string;
  readonly #limits: DeadLetterLimits;
  readonly #log: Log;
  #waiting: Waiting[] = [];
  #writer: Promise<void> | undefined;
  #segment: { file: FileHandle; path: string; bytes: number } | undefined;
  #serial = 0;
  #isDisposed = false;
  #isFailing = false;
  readonly #stop = new AbortController();
  /** Entries whose raw bytes were given up since the process started. */
  rawGivenUp = 0;

  constructor(directory: string, limits: DeadLetterLimits, log: Log) {
    this.#directory = directory;
    this.#limits = limits;
    this.#log = log;
  }

  /**
   * Stores an entry. Resolves once it is durable; never rejects: while the disk is full it is tried again each second
   * and the entry stays open. Once disposed it never resolves.
   */
  add(entry: NewDeadLetter): Promise<void> {
    const { bytes, ...rest } = entry;
    const letter: DeadLetter = {
      version: 1,
      time: new Date().toISOString(),
      ...rest,
      raw: bytes.toString("base64"),
      ...(bytes.length < rest.place.length ? { keptBytes: bytes.length } : {}),
    };
    return new Promise((stored) => {
      this.#waiting.push({ line: Buffer.from(`${JSON.stringify(letter)}\n`), stored });
      this.#writer ??= this.#write();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    this.#stop.abort();
    await this.#writer;
    await this.#segment?.file.close();
    this.#segment = undefined;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        await this.#append(Buffer.concat(group.map((waiting) => waiting.line)));
        if (this.#isFailing) this.#log.info({ directory: this.#directory }, "dead letters can be stored again");
        this.#isFailing = false;
        for (const waiting of group) waiting.stored();
        await this.#makeRoom();
      } catch (reason) {
        this.#waiting = [...group, ...this.#waiting];
        if (!this.#isFailing) {
          const what =
            "dead letters cannot be stored; they stay open and are tried again each second: make room or mend the rights of the state directory";
          this.#log.error({ directory: this.#directory, reason: describe(reason) }, what);
        }
        this.#isFailing = true;
        if (this.#isDisposed) break;
        await pause(retryMs, this.#stop.signal);
      }
    }
    this.#writer = undefined;
  }

  /** Appends whole lines or nothing: what was half written is cut off again. */
  async #append(lines: Buffer): Promise<void> {
    const segment = (this.#segment ??= await this.#begin());
    try {
      await segment.file.appendFile(lines);
      await segment.file.datasync();
    } catch (reason) {
      await segment.file.truncate(segment.bytes);
      throw reason;
    }
    segment.bytes += lines.length;
    if (segment.bytes >= this.#limits.segmentBytes) {
      this.#segment = undefined;
      await segment.file.close();
    }
  }

  async #begin(): Promise<{ file: FileHandle; path: string; bytes: number }> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const stamp = new Date().toISOString().replaceAll(/[:.]/g, "-");
    const path = join(this.#directory, `${stamp}-${process.pid}-${this.#serial++}.ndjson`);
    const file = await open(path, "ax", 0o600);
    const directory = await open(this.#directory, "r");
    await directory.sync();
    await directory.close();
    return { file, path, bytes: 0 };
  }

  /** Over the bound, the oldest segment that still holds raw bytes is rewritten without them. */
  async #makeRoom(): Promise<void> {
    const segments = await segmentsOf(this.#directory);
    let total = 0;
    for (const segment of segments) total += (await stat(segment)).size;
    for (const segment of segments) {
      if (total <= this.#limits.maxBytes || segment === this.#segment?.path) return;
      const before = (await stat(segment)).size;
      const kept = await withoutRaw(segment);
      if (kept === undefined) continue;
      this.rawGivenUp += kept.count;
      total += kept.bytes - before;
      this.#log.error(
        { segment, entries: kept.count },
        "the dead-letter store is full: the oldest entries lost their raw bytes, their positions are kept",
      );
    }
  }
}

/** Paths of the segments, oldest first. A store that was never written has none. */
export async function segmentsOf(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((reason: NodeJS.ErrnoException) => {
    if (reason.code === "ENOENT") return [];
    throw reason;
  });
  return names
    .filter((name) => name.endsWith(".ndjson"))
    .sort()
    .map((name) => join(directory, name));
}

/** The entries of a segment, in order; a line that cannot be read is passed over and given to `bad`. */
export async function* readSegment(path: string, bad: (line: number) => void): AsyncGenerator<DeadLetter> {
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    number += 1;
    try {
      yield JSON.parse(line) as DeadLetter;
    } catch {
      bad(number);
    }
  }
}

/** Rewrites a segment without raw bytes; undefined when it holds none. */
async function withoutRaw(path: string): Promise<{ count: number; bytes: number } | undefined> {
  const lines: string[] = [];
  let count = 0;
  for await (const { raw, ...letter } of readSegment(path, () => undefined)) {
    if (raw !== undefined) count += 1;
    lines.push(`${JSON.stringify(letter)}\n`);
  }
  if (count === 0) return undefined;
  const text = Buffer.from(lines.join(""));
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  return { count, bytes: text.length };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
