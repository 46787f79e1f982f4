import { lstat } from "node:fs/promises";
import { openForReading } from "../disk/open-file.ts";
import { errnoOf } from "../errors.ts";
import { segmentsOf } from "./dead-letter-segments.ts";
import { removedFrom, tombstonesOf } from "./dead-letter-tombstones.ts";

/** What the dead-letter store holds. */
export interface DeadLetterCount {
  /** Entries that were not removed. */
  readonly entries: number;
  /** Bytes of all its files. */
  readonly bytes: number;
}

interface Counted {
  readonly ino: number;
  /** Bytes that were looked through. */
  size: number;
  lines: number;
  removedSize: number;
  removed: number;
}

const newline = 0x0a;
const chunkBytes = 256 * 1024;

/** Counts the entries of a store again and again; reads only what is new since the last time. */
export class DeadLetterUsage {
  readonly #directory: string;
  #known = new Map<string, Counted>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws what the system says when the store cannot be read */
  async count(): Promise<DeadLetterCount> {
    const known = new Map<string, Counted>();
    let entries = 0;
    let bytes = 0;
    for (const path of await segmentsOf(this.#directory)) {
      const counted = await this.#look(path);
      if (counted === undefined) continue; // Deleted in this moment.
      known.set(path, counted);
      entries += Math.max(0, counted.lines - counted.removed);
      bytes += counted.size + counted.removedSize;
    }
    this.#known = known;
    return { entries, bytes };
  }

  async #look(path: string): Promise<Counted | undefined> {
    const found = await statIfThere(path);
    if (found === undefined) return undefined;
    let counted = this.#known.get(path);
    // Another file under the name, or a shorter one: rewritten.
    if (counted === undefined || counted.ino !== found.ino || counted.size > found.size) {
      counted = { ino: found.ino, size: 0, lines: 0, removedSize: 0, removed: 0 };
    }
    if (counted.size < found.size) {
      counted.lines += await countLines(path, counted.size, found.size);
      counted.size = found.size;
    }
    const removedSize = (await statIfThere(tombstonesOf(path)))?.size ?? 0;
    if (removedSize !== counted.removedSize) {
      counted.removed = (await removedFrom(path)).size;
      counted.removedSize = removedSize;
    }
    return counted;
  }
}

/** Another process may take a file of the store away at any moment. */
export async function statIfThere(path: string): Promise<{ readonly ino: number; readonly size: number } | undefined> {
  try {
    return await lstat(path);
  } catch (reason) {
    if (errnoOf(reason) === "ENOENT") return undefined;
    throw reason;
  }
}

async function countLines(path: string, from: number, to: number): Promise<number> {
  const file = await openForReading(path);
  try {
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, to - from));
    let lines = 0;
    for (let at = from; at < to;) {
      const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, to - at), at);
      if (bytesRead === 0) break;
      at += bytesRead;
      const bytes = chunk.subarray(0, bytesRead);
      for (let found = bytes.indexOf(newline); found >= 0; found = bytes.indexOf(newline, found + 1)) lines += 1;
    }
    return lines;
  } finally {
    await file.close();
  }
}
