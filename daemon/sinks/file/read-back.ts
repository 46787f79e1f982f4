import type { FileHandle } from "node:fs/promises";
import { headerNames, lookupKey, type Shipped } from "../../contract.ts";

const readBytes = 1 << 20;
/** A longer line is not one of ours: an alert has at most a few megabytes. */
const maxLineBytes = 64 * 1024 * 1024;

/** Counts the records in pieces of a file of the file sink. A line that is not ours is passed over. */
export class RecordCounter {
  readonly #shipped: Shipped;
  #partial: Buffer[] = [];
  #partialBytes = 0;

  constructor(shipped: Shipped) {
    this.#shipped = shipped;
  }

  /** Takes the next piece. It may be used for something else afterwards. */
  push(piece: Buffer): void {
    let from = 0;
    for (let to = piece.indexOf(0x0a); to >= 0; to = piece.indexOf(0x0a, from)) {
      const line = Buffer.concat([...this.#partial, piece.subarray(from, to)]);
      this.#partial = [];
      const key = this.#partialBytes > maxLineBytes ? undefined : keyOf(line.toString());
      this.#partialBytes = 0;
      if (key !== undefined) this.#shipped.set(key, (this.#shipped.get(key) ?? 0) + 1);
      from = to + 1;
    }
    this.#partialBytes += piece.length - from;
    if (this.#partialBytes > maxLineBytes) this.#partial = [];
    else this.#partial.push(Buffer.from(piece.subarray(from)));
  }
}

/** Counts the records of a file from a line's start to an end. */
export async function countRecords(handle: FileHandle, start: number, end: number, shipped: Shipped): Promise<void> {
  const counter = new RecordCounter(shipped);
  const chunk = Buffer.alloc(readBytes);
  for (let at = start; at < end;) {
    const { bytesRead } = await handle.read(chunk, 0, Math.min(chunk.length, end - at), at);
    if (bytesRead === 0) return;
    at += bytesRead;
    counter.push(chunk.subarray(0, bytesRead));
  }
}

function keyOf(line: string): string | undefined {
  try {
    const record: unknown = JSON.parse(line);
    if (!isObject(record) || !isObject(record["headers"])) return undefined;
    const { [headerNames.id]: id, [headerNames.handler]: handler, [headerNames.node]: node } = record["headers"];
    if (typeof id !== "string" || typeof handler !== "string") return undefined;
    const value = typeof record["value"] === "string" ? Buffer.from(record["value"]) : null;
    return lookupKey(typeof node === "string" ? node : "", id, handler, value);
  } catch {
    return undefined; // A foreign line in our file says nothing about our records.
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
