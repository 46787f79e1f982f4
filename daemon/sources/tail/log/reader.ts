/** What one read gave. */
export type Read =
  /** Bytes in order; the buffer is used again after the next call but one. */
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  /** There is nothing more, for now or for good. `ignoredBytes`: bytes after the compressed data that are not gzip. */
  | { readonly kind: "end"; readonly ignoredBytes?: number }
  /** The bytes before the position are no longer what they were: truncated, or overwritten in place. */
  | { readonly kind: "replaced" }
  /** The content cannot be decoded any further; everything before that was given. */
  | { readonly kind: "broken"; readonly reason: unknown };

/** Reads one physical file in order. System errors of reading are thrown; the call may be repeated. */
export interface LogReader {
  /** Bytes given so far plus bytes skipped: the offset, decompressed, of the byte that comes next. */
  readonly offset: number;
  /** The bytes right before the offset, as they were read, at most `beforeBytes`. */
  readonly before: Buffer;
  /** Whether the last read took what it gave from memory: then the file is on a disk of this machine. */
  readonly isCached: boolean;
  read(): Promise<Read>;
  /** First bytes of the file, as far as they are there now, at most `headBytes`. Does not move the offset. */
  head(): Promise<Buffer>;
  /**
   * Goes to an offset, at most once and before the first read.
   * @returns up to `beforeBytes` that precede it, or undefined when the file is shorter or the signal is aborted
   */
  seek(offset: number, signal: AbortSignal): Promise<Buffer | undefined>;
  /** Bytes on disk now; undefined for a compressed file, whose content may be of any size. */
  size(): Promise<number | undefined>;
  close(): Promise<void>;
}
