import { createHash } from "node:crypto";

/** Hash of some bytes, by which they are known again. */
export interface ContentHash {
  /** How many bytes were hashed. */
  readonly length: number;
  /** SHA-256, hexadecimal. */
  readonly hash: string;
}

/** This many first bytes of a log file identify it. */
export const headBytes = 1024;

/** This many bytes before a position prove that the position is still in the same content. */
export const beforeBytes = 4096;

/** From this length on a head distinguishes log files: it holds the first alert's timestamp to the millisecond. */
export const tellingBytes = 64;

export function contentHash(bytes: Buffer): ContentHash {
  return { length: bytes.length, hash: createHash("sha256").update(bytes).digest("hex") };
}

/** Whether `bytes` begin with the bytes that were hashed. */
export function beginsWith(bytes: Buffer, known: ContentHash): boolean {
  return bytes.length >= known.length && contentHash(bytes.subarray(0, known.length)).hash === known.hash;
}

/** Whether `bytes` end with the bytes that were hashed. */
export function endsWith(bytes: Buffer, known: ContentHash): boolean {
  return bytes.length >= known.length && contentHash(bytes.subarray(bytes.length - known.length)).hash === known.hash;
}

/** What is kept of a log file to know it again. */
export interface Identity {
  /** `device:inode`; a hint, because inodes are used again and device numbers change over reboots. */
  readonly id: string;
  /** Dated name, `2026/Nov/ossec-alerts-21-001`; null if none is known. */
  readonly name: string | null;
  readonly head: ContentHash;
}

/** What a file shows of itself. */
export interface Seen {
  readonly id: string;
  readonly name: string | null;
  /** Its first bytes, decompressed; at most `headBytes`. */
  readonly head: Buffer;
  readonly isCompressed: boolean;
}

/**
 * Whether a file is the log file that was known. The content decides. A head too short to distinguish log files (next
 * to nothing had been read) needs name and inode as well; a `.gz` has another inode than the file it was made of.
 */
export function isSame(known: Identity, file: Seen): boolean {
  if (!beginsWith(file.head, known.head)) return false;
  if (known.head.length >= tellingBytes) return true;
  const isSameFile = known.id === file.id;
  return known.name === null || file.name === null
    ? isSameFile
    : known.name === file.name && (isSameFile || file.isCompressed);
}

/** The inode in a `device:inode`, as text; 0 if there is none. */
export function inodeOf(id: string | undefined): string {
  return id?.slice(id.indexOf(":") + 1) ?? "0";
}
