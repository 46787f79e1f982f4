import { createHash } from "node:crypto";
import type { OffsetsByPartition } from "../../../contract.ts";
import type { DamagedArchive } from "./damaged.ts";
import type { ContentHash, Identity } from "../log/content-hash.ts";
import type { Anchor, Trail } from "./trail.ts";

/** Layout of the body. A file with another version is left alone. */
const checkpointVersion = 1;

/** A place in a log file, with what proves it. */
export interface Position extends Identity {
  /** Path of the file when it was last read. */
  readonly file: string;
  /** Decompressed. Everything before it has its outcome. */
  readonly offset: number;
  /** The bytes right before the offset; length 0 if they were not available. */
  readonly before: ContentHash;
  /** What proves how much of the file is left if it has lost its end. Older versions do not note it. */
  readonly trail?: Trail;
}

/** A log file that was read to its end. */
export interface Finished extends Identity {
  readonly end: number;
}

/** Lines beyond the position that have their outcome already. */
export interface CompletedAhead extends Identity {
  /** Ascending offsets of their first bytes. */
  readonly offsets: readonly number[];
  /** What each of the lines adds to a manifest (`ProofSaving.line`), if there are manifests. */
  readonly parts?: readonly unknown[];
  /** Up to where the file was read, and what precedes that: without it the lines are not theirs. Older versions: none. */
  readonly proof?: Anchor;
}

/** Where the very first start began: what was in the log before was not asked for. */
export interface Began {
  /** When that was, or the time that it was to begin with; milliseconds since 1970. */
  readonly timeMs: number;
  /** Dated name of the log file in which it began; null: the time decides. */
  readonly name: string | null;
  /** Offset in that file. */
  readonly offset: number;
}

/** Belongs to the sink's look-up; kept and handed back as it is. */
export interface Sent {
  readonly sink: OffsetsByPartition;
  /** Nodes in whose names records were sent. Older versions do not note them. */
  readonly nodes?: readonly string[];
}

/** What a restart needs to continue where it stopped. */
export interface Body extends Sent {
  /** Null when nothing was there to read yet: then whatever appears is read from its beginning. */
  readonly position: Position | null;
  /** Rank of the newest dated file that is behind, or is the position's own; those that rank above it are unread. */
  readonly afterRank: number;
  /** Generations behind the position, oldest first; the last few. */
  readonly finished: readonly Finished[];
  /** What was read of all dated files, as `ReadFiles` writes it. Older versions do not note it. */
  readonly read?: string;
  readonly doneBeyond: readonly CompletedAhead[];
  /** Relevant alerts before this time (milliseconds since 1970) were not asked for; null when all were. */
  readonly notBeforeMs: number | null;
  /** Archives whose rest is read once they are whole. Older versions do not note them. */
  readonly damaged?: readonly DamagedArchive[];
  /** Second since 1970 of the newest line read; null before the first. */
  readonly newestSecond: number | null;
  /** Older versions do not note it. */
  readonly began?: Began;
  /** The account of what is behind the position (`ProofSaving.body`), if there are manifests. Older versions: none. */
  readonly proof?: unknown;
}

/** What a checkpoint's text turned out to be. */
export type Decoded =
  | { readonly kind: "valid"; readonly sequence: number; readonly body: Body }
  /** The checksum is wrong but the shape is right: to be believed only as far as the log's content proves it. */
  | { readonly kind: "doubtful"; readonly sequence: number; readonly body: Body }
  | { readonly kind: "foreign"; readonly version: unknown }
  | { readonly kind: "damaged" };

/** @param sequence grows with each checkpoint that is written, so that the newer one of two is known */
export function encodeCheckpoint(body: Body, sequence: number): string {
  const checksum = checksumOf(body, sequence);
  return `${JSON.stringify({ version: checkpointVersion, sequence, checksum, body })}\n`;
}

/** Never throws, whatever the text is. */
export function decodeCheckpoint(text: string): Decoded {
  const file = parse(text);
  if (!isObject(file)) return { kind: "damaged" };
  const { sequence, checksum, body, version: found } = file;
  if (typeof found === "number" && found !== checkpointVersion) {
    return { kind: "foreign", version: found };
  }
  if (!isCount(sequence) || !isBody(body)) return { kind: "damaged" };
  const isValid = found === checkpointVersion && checksum === checksumOf(body, sequence);
  return { kind: isValid ? "valid" : "doubtful", sequence, body };
}

function checksumOf(body: Body, sequence: number): string {
  return createHash("sha256")
    .update(JSON.stringify([checkpointVersion, sequence, body]))
    .digest("hex");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the caller reports it as damaged.
    return undefined;
  }
}

type Fields = Record<string, unknown>;

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isFingerprint(value: unknown): value is ContentHash {
  return isObject(value) && isCount(value["length"]) && typeof value["hash"] === "string";
}

function isIdentity(value: unknown): value is Fields & Identity {
  if (!isObject(value) || typeof value["id"] !== "string") return false;
  return (value["name"] === null || typeof value["name"] === "string") && isFingerprint(value["head"]);
}

function isPosition(value: unknown): value is Position {
  if (!isIdentity(value) || typeof value["file"] !== "string" || !isAnchor(value)) return false;
  return value["trail"] === undefined || isTrail(value["trail"]);
}

function isAnchor(value: unknown): value is Anchor {
  return isObject(value) && isCount(value["offset"]) && isFingerprint(value["before"]);
}

function isTrail(value: unknown): value is Trail {
  if (!isObject(value) || !isAnchor(value["from"])) return false;
  return typeof value["lines"] === "string" && isList(value["anchors"], isAnchor);
}

function isDamaged(value: unknown): value is DamagedArchive {
  if (!isIdentity(value) || typeof value["name"] !== "string" || typeof value["file"] !== "string") return false;
  const { changedNs } = value;
  return (
    isCount(value["end"]) && isCount(value["size"]) && typeof changedNs === "string" && /^\d{1,20}$/.test(changedNs)
  );
}

function isBegan(value: unknown): value is Began {
  if (!isObject(value) || !Number.isFinite(value["timeMs"])) return false;
  return (value["name"] === null || typeof value["name"] === "string") && isCount(value["offset"]);
}

function isList<T>(value: unknown, isEntry: (entry: unknown) => entry is T): value is T[] {
  return Array.isArray(value) && value.every(isEntry);
}

function isBody(value: unknown): value is Body {
  if (!isObject(value)) return false;
  const { position, notBeforeMs, newestSecond, sink, nodes, read, damaged, began } = value;
  return (
    (position === null || isPosition(position)) &&
    isCount(value["afterRank"]) &&
    (read === undefined || typeof read === "string") &&
    isList(value["finished"], (entry): entry is Finished => isIdentity(entry) && isCount(entry["end"])) &&
    isList(
      value["doneBeyond"],
      (entry): entry is CompletedAhead =>
        isIdentity(entry) &&
        isList(entry["offsets"], isCount) &&
        (entry["proof"] === undefined || isAnchor(entry["proof"])) &&
        (entry["parts"] === undefined || Array.isArray(entry["parts"])),
    ) &&
    (notBeforeMs === null || (typeof notBeforeMs === "number" && Number.isFinite(notBeforeMs))) &&
    (newestSecond === null || isCount(newestSecond)) &&
    (damaged === undefined || isList(damaged, isDamaged)) &&
    (began === undefined || isBegan(began)) &&
    isObject(sink) &&
    Object.values(sink).every(isCount) &&
    (nodes === undefined || isList(nodes, (entry): entry is string => typeof entry === "string"))
  );
}
