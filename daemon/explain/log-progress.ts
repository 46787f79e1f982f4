/** What the forwarder's checkpoint says about a line of the log. Reads, and changes nothing. */
import { join } from "node:path";
import { readRegularFile } from "../disk/read-file.ts";
import { describe, isAbsent } from "../errors.ts";
import { isSame } from "../sources/tail/log/content-hash.ts";
import { parseStem } from "../sources/tail/log/dated-name.ts";
import { seen, type FileOrigin } from "../sources/tail/log/log-file.ts";
import { decodeCheckpoint, type Body } from "../sources/tail/position/checkpoint.ts";
import { maxCheckpointBytes } from "../sources/tail/position/checkpoint-store.ts";
import { ReadProgress } from "../sources/tail/position/read-progress.ts";
import { wholly } from "../sources/tail/position/read-files.ts";

/**
 * Where a line is for the forwarder.
 * - before-start: it was in the log before the first start, and was not asked for.
 * - done: it has its outcome.
 * - ahead: it has none yet: it is on its way, or will be read.
 */
export type LineState = "before-start" | "done" | "ahead";

/** What is stored, or why it is not known. */
export type StoredProgress =
  | { readonly kind: "stored"; readonly progress: LogProgress }
  /** No forwarder has run with this state directory. */
  | { readonly kind: "none" }
  | { readonly kind: "unknown"; readonly reason: string };

/** The newer of the two checkpoints that is whole. */
export async function storedProgress(stateDir: string): Promise<StoredProgress> {
  let newest: { readonly sequence: number; readonly body: Body } | undefined;
  let reason: string | undefined;
  for (const name of ["checkpoint.json", "checkpoint.json.1"]) {
    const path = join(stateDir, name);
    try {
      const bytes = await readRegularFile(path, { maxBytes: maxCheckpointBytes, links: "refuse" });
      const found = decodeCheckpoint(bytes.toString());
      if (found.kind === "valid" && found.sequence >= (newest?.sequence ?? 0)) newest = found;
      else if (found.kind !== "valid") reason ??= `${path} is damaged`;
    } catch (error) {
      if (!isAbsent(error)) reason ??= `${path} cannot be read: ${describe(error)}`;
    }
  }
  if (newest !== undefined) return { kind: "stored", progress: new LogProgress(newest.body) };
  return reason === undefined ? { kind: "none" } : { kind: "unknown", reason };
}

/** A checkpoint that is asked about lines. */
export class LogProgress {
  readonly #body: Body;
  readonly #read = new ReadProgress();

  constructor(body: Body) {
    this.#body = body;
    this.#read.restore(body);
  }

  /** Nodes in whose names records were sent. */
  get nodes(): readonly string[] {
    return this.#body.nodes ?? [];
  }

  /**
   * @param origin the log file of the line
   * @param offset of its first byte, decompressed
   * @param timeMs when the alert was written, milliseconds since 1970; undefined: not known
   */
  stateOf(origin: FileOrigin, offset: number, timeMs: number | undefined): LineState {
    return this.statesIn(origin)(offset, timeMs);
  }

  /** As `stateOf`, for many lines of one log file. */
  statesIn(origin: FileOrigin): (offset: number, timeMs: number | undefined) => LineState {
    const end = this.#endOf(origin);
    const file = seen(origin);
    const beyond = this.#body.doneBeyond.filter((done) => isSame(done, file)).map(({ offsets }) => new Set(offsets));
    return (offset, timeMs) => {
      // What a start in the past left out by its time is met, and passed by, on the way.
      if (this.#isBeforeStart(origin, offset, timeMs)) return "before-start";
      return offset < end || beyond.some((offsets) => offsets.has(offset)) ? "done" : "ahead";
    };
  }

  /** Up to where all lines of a log file are done; infinite for one of which nothing is wanted any more. */
  #endOf(origin: FileOrigin): number {
    const { position } = this.#body;
    if (position !== null && isSame(position, seen(origin))) return position.offset;
    const known = this.#read.endOf(origin);
    if (known !== undefined) return known.end === wholly ? Number.POSITIVE_INFINITY : known.end;
    const rank = origin.name?.rank;
    return rank !== undefined && this.#read.knownOf(rank) === undefined ? Number.POSITIVE_INFINITY : 0;
  }

  #isBeforeStart({ name }: FileOrigin, offset: number, timeMs: number | undefined): boolean {
    const { began } = this.#body;
    if (began === undefined) return false;
    const first = parseStem(began.name ?? "");
    if (first === undefined || name === undefined) return timeMs !== undefined && timeMs < began.timeMs;
    if (name.rank !== first.rank) return name.rank < first.rank;
    return offset < began.offset;
  }
}
