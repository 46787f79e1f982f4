/**
 * The dead-letter store: what no retry can mend, kept with its raw bytes. Append-only segments of JSON lines in a
 * directory of the state directory; one segment file per process, so a replay beside the running forwarder does not
 * disturb it. Entries that arrive together are written and synced together.
 */
import { mkdir, open, stat, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe } from "../errors.ts";
import { syncDirectory } from "../disk/atomic-file.ts";
import type { Log } from "../telemetry/log.ts";
import { isWrittenByAnother, segmentsOf, withoutRaw, type DeadLetter } from "./dead-letter-segments.ts";

export type NewDeadLetter = Omit<DeadLetter, "version" | "time" | "raw" | "keptBytes"> & { readonly bytes: Buffer };

export interface DeadLetterLimits {
  /** Most bytes of all segments together; beyond, the oldest entries lose their raw bytes, not their position. */
  readonly maxBytes: number;
  /** Size at which a new segment is begun. */
  readonly segmentBytes: number;
}

interface Segment {
  readonly file: FileHandle;
  readonly path: string;
  /** Bytes of whole lines that are durable. */
  bytes: number;
  /** More than that may stand in the file. */
  isTorn: boolean;
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
  #segment: Segment | undefined;
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
      if (this.#isDisposed) return;
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
      } catch (reason) {
        this.#waiting = [...group, ...this.#waiting];
        if (!this.#isFailing) {
          const what =
            "dead letters cannot be stored; they stay open and are tried again each second: make room or mend the rights of the state directory";
          this.#log.error({ directory: this.#directory, reason: describe(reason) }, what);
        }
        this.#isFailing = true;
        if (this.#isDisposed) break;
        // Woken early by a stop: then it is tried once more.
        await pause(retryMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
        continue;
      }
      await this.#makeRoom();
    }
    this.#writer = undefined;
  }

  /** Appends whole lines or nothing: what was half written is cut off again. */
  async #append(lines: Buffer): Promise<void> {
    const segment = (this.#segment ??= await this.#begin());
    if (segment.isTorn) await mend(segment);
    try {
      await segment.file.appendFile(lines);
      await segment.file.datasync();
    } catch (reason) {
      segment.isTorn = true;
      await mend(segment);
      throw reason;
    }
    segment.bytes += lines.length;
    if (segment.bytes >= this.#limits.segmentBytes) {
      this.#segment = undefined;
      await segment.file.close();
    }
  }

  async #begin(): Promise<Segment> {
    const made = await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    if (made !== undefined) await syncDirectory(dirname(made));
    const stamp = new Date().toISOString().replaceAll(/[:.]/g, "-");
    const path = join(this.#directory, `${stamp}-${process.pid}-${this.#serial++}.ndjson`);
    const file = await open(path, "ax", 0o600);
    try {
      await syncDirectory(this.#directory);
    } catch (reason) {
      await file.close();
      throw reason;
    }
    return { file, path, bytes: 0, isTorn: false };
  }

  /** Over the bound, the oldest segments that still hold raw bytes are rewritten without them. */
  async #makeRoom(): Promise<void> {
    try {
      const segments: { path: string; size: number }[] = [];
      for (const path of await segmentsOf(this.#directory)) segments.push({ path, size: (await stat(path)).size });
      let total = segments.reduce((sum, { size }) => sum + size, 0);
      for (const { path, size } of segments) {
        if (total <= this.#limits.maxBytes) return;
        if (path === this.#segment?.path || isWrittenByAnother(path)) continue;
        const kept = await withoutRaw(path);
        if (kept === undefined) continue;
        this.rawGivenUp += kept.count;
        total += kept.bytes - size;
        const what = "the dead-letter store is full: the oldest entries lost their raw bytes, their positions are kept";
        this.#log.error({ segment: path, entries: kept.count }, what);
      }
    } catch (reason) {
      // The entries themselves are stored; with the next ones it is tried again.
      const what = "the dead-letter store is over its bound and its oldest entries cannot be made smaller";
      this.#log.warn({ directory: this.#directory, reason: describe(reason) }, what);
    }
  }
}

async function mend(segment: Segment): Promise<void> {
  await segment.file.truncate(segment.bytes);
  segment.isTorn = false;
}
