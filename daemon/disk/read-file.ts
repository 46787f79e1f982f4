/**
 * Reading a file that somebody else may have put there. A FIFO or a device never blocks the reader, a link is followed
 * only on request, and what is read has a bound. Kind and size are judged on the open descriptor, so a file that is
 * swapped between two looks gains nothing.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { open } from "node:fs/promises";
import { DfnError, errnoOf } from "../errors.ts";

export interface ReadLimits {
  /** The largest file that is read, in bytes. A larger one is an error, never a cut one. */
  readonly maxBytes: number;
  /** `refuse` in directories that others may write to: a symbolic link as the last part of the path is an error. */
  readonly links: "follow" | "refuse";
}

const chunkBytes = 64 * 1024;

/**
 * The content of a regular file.
 * @throws DfnError IO when it is not a regular file, is a link that is refused, or is larger than `maxBytes`;
 *         else the system's error (`ENOENT`, `EACCES`, ...)
 */
export async function readRegularFile(path: string, limits: ReadLimits): Promise<Buffer> {
  const file = await openFor(path, limits, (flags) => open(path, flags));
  try {
    assertReadable(path, await file.stat(), limits);
    const chunks: Buffer[] = [];
    for (let total = 0; ;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, null);
      if (bytesRead === 0) return Buffer.concat(chunks, total);
      chunks.push(buffer.subarray(0, bytesRead));
      total += bytesRead;
      if (total > limits.maxBytes) throw tooLarge(path, limits);
    }
  } finally {
    await file.close();
  }
}

/** As `readRegularFile`, for callers that cannot wait. */
export function readRegularFileSync(path: string, limits: ReadLimits): Buffer {
  return readWithStatsSync(path, limits).bytes;
}

/** As `readRegularFileSync`, with the owner and mode of the very file that was read. */
export function readWithStatsSync(path: string, limits: ReadLimits): { readonly bytes: Buffer; readonly stats: Stats } {
  const fd = openForSync(path, limits);
  try {
    const stats = fstatSync(fd);
    assertReadable(path, stats, limits);
    const chunks: Buffer[] = [];
    for (let total = 0; ;) {
      const chunk = Buffer.allocUnsafe(chunkBytes);
      const count = readSync(fd, chunk, 0, chunkBytes, null);
      if (count === 0) return { bytes: Buffer.concat(chunks, total), stats };
      chunks.push(chunk.subarray(0, count));
      total += count;
      if (total > limits.maxBytes) throw tooLarge(path, limits);
    }
  } finally {
    closeSync(fd);
  }
}

function flagsOf({ links }: ReadLimits): number {
  const { O_RDONLY, O_NONBLOCK, O_NOCTTY, O_NOFOLLOW } = constants;
  return O_RDONLY | O_NONBLOCK | O_NOCTTY | (links === "refuse" ? O_NOFOLLOW : 0);
}

async function openFor<T>(path: string, limits: ReadLimits, opening: (flags: number) => Promise<T>): Promise<T> {
  try {
    return await opening(flagsOf(limits));
  } catch (reason) {
    throw refusedLink(path, limits, reason) ?? reason;
  }
}

function openForSync(path: string, limits: ReadLimits): number {
  try {
    return openSync(path, flagsOf(limits));
  } catch (reason) {
    throw refusedLink(path, limits, reason) ?? reason;
  }
}

/** The error for a last part that is a link, if links are refused: ELOOP (open(2)). */
function refusedLink(path: string, { links }: ReadLimits, reason: unknown): DfnError | undefined {
  if (links === "follow" || errnoOf(reason) !== "ELOOP") return undefined;
  return new DfnError(
    "IO",
    `${path} is a symbolic link, which is not followed: remove it, or replace it with the file`,
    {
      cause: reason,
    },
  );
}

function assertReadable(path: string, stats: Stats, limits: ReadLimits): void {
  if (!stats.isFile()) {
    const kind = stats.isDirectory() ? "a directory" : "a pipe, device or socket";
    throw new DfnError("IO", `${path} is not a regular file but ${kind}: remove it, or name another file`);
  }
  if (stats.size > limits.maxBytes) throw tooLarge(path, limits);
}

function tooLarge(path: string, { maxBytes }: ReadLimits): DfnError {
  return new DfnError("IO", `${path} is larger than ${maxBytes} bytes, so it is not read: is this the right file?`);
}
