/** What logrotate has moved away from a file of the file sink: after a crash, records may be looked for there. */
import type { FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describe } from "../../errors.ts";
import { GzipFile } from "../../disk/gzip-file.ts";
import { isGzip } from "../../disk/gunzip.ts";
import { namesIn } from "../../disk/list-directory.ts";
import { openForReading } from "../../disk/open-file.ts";
import { countRecords, RecordCounter, type FoundInFile } from "./read-back.ts";

/** The newest ones that are looked into: between two checkpoints there are seconds. */
const mostFiles = 3;
/** Of each at most so much is read, from its end. */
const mostBytes = 256 * 1024 * 1024;
/** More than this is not decompressed to come to the end. */
const mostInflated = 4 * 1024 * 1024 * 1024;
/** `NAME.1`, `NAME-20261129`, `NAME-20261129-1795964560`, with the ending of a compressed file or without. */
const rotatedEnding = /^[.-]\d[\d.-]*(?:\.(?:gz|bz2|xz|zst))?$/;

/** A file that was moved away. */
interface Rotated {
  readonly path: string;
  readonly mtimeMs: number;
}

/** Files that logrotate has made of this one, newest first; some of them at most. */
export async function rotatedFrom(path: string): Promise<readonly Rotated[]> {
  const [directory, name] = [dirname(path), basename(path)];
  const isRotated = (other: string): boolean => other.startsWith(name) && rotatedEnding.test(other.slice(name.length));
  const found: Rotated[] = [];
  for (const other of await namesIn(directory, isRotated)) {
    const handle = await openForReading(join(directory, other)).catch(() => undefined); // Not a file of ours.
    if (handle === undefined) continue;
    await using file = handle;
    found.push({ path: join(directory, other), mtimeMs: (await file.stat()).mtimeMs });
  }
  return found.toSorted((one, other) => other.mtimeMs - one.mtimeMs).slice(0, mostFiles);
}

/**
 * Counts the records of a rotated file, compressed by gzip or not, from an offset of its content on.
 * @returns why not all of it was counted; undefined when it was
 */
export async function countRotated({ path }: Rotated, start: number, found: FoundInFile): Promise<string | undefined> {
  try {
    await using handle = await openForReading(path);
    const { size } = await handle.stat();
    const head = Buffer.alloc(6);
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    if (bytesRead > 2 && isGzip(head)) return await countGzip(handle, size, start, found);
    if (/\.(?:bz2|xz|zst)$/.test(path)) return "it is compressed by another program than gzip";
    await countRecords(handle, Math.max(start, size - mostBytes), size, found);
    return size - start > mostBytes ? `only its last ${mostBytes} bytes were read` : undefined;
  } catch (reason) {
    return describe(reason);
  }
}

async function countGzip(
  handle: FileHandle,
  size: number,
  start: number,
  found: FoundInFile,
): Promise<string | undefined> {
  // The last four bytes have the size of the content (RFC 1952), modulo 4 GiB.
  const trailer = Buffer.alloc(4);
  await handle.read(trailer, 0, 4, Math.max(0, size - 4));
  const from = Math.max(start, trailer.readUInt32LE(0) - mostBytes);
  const counter = new RecordCounter(found);
  const file = new GzipFile(async (into, position) => (await handle.read(into, 0, into.length, position)).bytesRead);
  try {
    for (let at = 0; at < mostInflated;) {
      const read = await file.read();
      if (read.kind === "broken") return describe(read.reason);
      if (read.kind === "end") return from > start ? `only its last ${mostBytes} bytes were read` : undefined;
      const { bytes } = read;
      if (at + bytes.length > from) counter.push(bytes.subarray(Math.max(0, from - at)));
      at += bytes.length;
      if (at - from > 2 * mostBytes) break;
    }
    return "it is too large";
  } finally {
    file.close();
  }
}
