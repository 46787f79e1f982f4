import type { FileHandle } from "node:fs/promises";
import { headerNames, lookupKey, type Shipped } from "../delivery/contract.ts";

const readBytes = 1 << 20;

/** Counts the records of a file of the file sink from a line's start to an end. A line that is not ours is passed over. */
export async function countRecords(handle: FileHandle, start: number, end: number, shipped: Shipped): Promise<void> {
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
    const value = typeof record["value"] === "string" ? Buffer.from(record["value"]) : null;
    return lookupKey(typeof node === "string" ? node : "", id, handler, value);
  } catch {
    return undefined; // A foreign line in our file says nothing about our records.
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
