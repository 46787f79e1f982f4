import type { DeadReason, SourceLocation, SourceName } from "../contract.ts";

/** One entry, as stored in the file. */
export interface DeadLetter {
  readonly version: 1;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly source: SourceName;
  /** The node that wrote it: the record's `wazuh-node`; for what is not an alert, the node that read it. */
  readonly node?: string;
  readonly reason: DeadReason;
  /** A sentence on what was wrong. */
  readonly detail: string;
  /** The handler whose record was refused, if there is one. */
  readonly handler?: string;
  readonly place: SourceLocation;
  /** The alert's bytes in base64; absent if they were removed to make room. */
  readonly raw?: string;
  /** Bytes in `raw` if it holds only the beginning of an over-long line. */
  readonly keptBytes?: number;
}

export type NewDeadLetter = Omit<DeadLetter, "version" | "time" | "raw" | "keptBytes"> & {
  /** Kept until the entry is stored; nobody may change them. */
  readonly bytes: Buffer;
};

/** An entry that waits to be written as a line: its base64, a third larger than the bytes, is made last. */
export interface Line {
  readonly head: Buffer;
  readonly raw: Buffer;
  /** Bytes of the line, its newline included. */
  readonly length: number;
}

const tail = Buffer.from('"}\n');
/** A multiple of 3, so that the parts' base64 joined is that of the whole. */
const partBytes = 48 * 1024;
/** How much is written at once. */
const pieceBytes = 1 << 20;

/** An entry as the line that is written to the file. */
export function lineOf({ bytes, ...rest }: NewDeadLetter, now: Date): Line {
  const letter: DeadLetter = {
    version: 1,
    time: now.toISOString(),
    ...rest,
    ...(bytes.length < rest.place.length ? { keptBytes: bytes.length } : {}),
  };
  const head = Buffer.from(`${JSON.stringify(letter).slice(0, -1)},"raw":"`);
  return { head, raw: bytes, length: head.length + Math.ceil(bytes.length / 3) * 4 + tail.length };
}

/**
 * Consecutive lines, in pieces of up to 1 MiB. A piece is valid until the next one is asked for. As one text,
 * and as a text in a text, bytes of 16 MiB would take five times their size.
 */
export function* encoded(lines: readonly Line[]): Generator<Buffer> {
  const total = lines.reduce((sum, { length }) => sum + length, 0);
  const piece = Buffer.allocUnsafe(Math.min(total, pieceBytes));
  let used = 0;
  for (const part of partsOf(lines)) {
    for (let at = 0; at < part.length;) {
      const taken = part.copy(piece, used, at);
      at += taken;
      used += taken;
      if (used < piece.length) continue;
      yield piece;
      used = 0;
    }
  }
  if (used > 0) yield piece.subarray(0, used);
}

function* partsOf(lines: readonly Line[]): Generator<Buffer> {
  const part = Buffer.allocUnsafe((partBytes / 3) * 4);
  for (const { head, raw } of lines) {
    yield head;
    for (let from = 0; from < raw.length; from += partBytes) {
      yield part.subarray(0, part.write(raw.toString("base64", from, from + partBytes), "latin1"));
    }
    yield tail;
  }
}

/** Whether everything that is read of an entry is present: commands that list the store meet damaged files. */
export function isDeadLetter(value: unknown): value is DeadLetter {
  if (typeof value !== "object" || value === null) return false;
  const { version, time, source, node, reason, detail, handler, place, raw, keptBytes } = value as Partial<
    Record<keyof DeadLetter, unknown>
  >;
  return (
    version === 1 &&
    [time, source, reason, detail].every((text) => typeof text === "string") &&
    [node, handler, raw].every((text) => text === undefined || typeof text === "string") &&
    (keptBytes === undefined || typeof keptBytes === "number") &&
    isPlace(place)
  );
}

function isPlace(value: unknown): value is SourceLocation {
  if (typeof value !== "object" || value === null) return false;
  const { file, offset, length } = value as Partial<Record<keyof SourceLocation, unknown>>;
  return typeof file === "string" && typeof offset === "number" && typeof length === "number";
}
