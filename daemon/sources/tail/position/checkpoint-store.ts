import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { keepAs, writeAtomically } from "../../../disk/atomic-file.ts";
import { readRegularFile } from "../../../disk/read-file.ts";
import { describe, isAbsent } from "../../../errors.ts";
import { ConditionLog } from "../../../telemetry/condition-log.ts";
import type { Log } from "../../../telemetry/log.ts";
import { type ReasonCode, writeFailure } from "../../../telemetry/reason-codes.ts";
import { decodeCheckpoint, encodeCheckpoint, type Body, type Decoded, type CompletedAhead } from "./checkpoint.ts";

/** Whether the checkpoint on the disk can be written, and how old it is. */
export interface CheckpointStatus {
  /** Since it last said what the tail knew; undefined while the tail has found no place to read from. */
  readonly ageSeconds: number | undefined;
  /** Why it cannot be written, and what to do; undefined while it can. */
  readonly trouble: string | undefined;
  readonly troubleCode?: ReasonCode | undefined;
}

/** What was found at start. */
export type Loaded =
  | { readonly kind: "ok"; readonly body: Body }
  /** The newest checkpoint is missing or unusable; this is the one before it. */
  | { readonly kind: "previous"; readonly body: Body }
  /** Neither is whole, but this one says where to look; only what the log's content proves may be believed. */
  | { readonly kind: "doubtful"; readonly body: Body }
  /** There were files, and none can be used. */
  | { readonly kind: "lost" }
  /** First start. */
  | { readonly kind: "none" };

/** A checkpoint larger than this is not ours: 8 MiB hold the outcomes of half a million lines. */
export const maxCheckpointBytes = 8 * 1024 * 1024;

type Found = Decoded | { readonly kind: "absent" };

/**
 * `checkpoint.json` in the state directory, and the one before it as `checkpoint.json.1`. Each is written whole next to
 * its place, made durable and renamed, so that at every moment at least one whole checkpoint is on disk.
 */
export class CheckpointStore {
  readonly #current: string;
  readonly #previous: string;
  readonly #directory: string;
  readonly #log: Log;
  readonly #trouble: ConditionLog<ReasonCode>;
  readonly #now: () => number;
  #sequence = 0;
  #written: string | undefined;
  #upToDateAt: number | undefined;
  /** Whether the current file is worth keeping as the previous one. */
  #isCurrentGood = true;

  /**
   * @param directory the state directory; must exist
   * @param now       milliseconds of a monotonic clock
   */
  constructor(directory: string, log: Log, now: () => number) {
    this.#directory = directory;
    this.#current = join(directory, "checkpoint.json");
    this.#previous = join(directory, "checkpoint.json.1");
    this.#log = log;
    this.#trouble = new ConditionLog(log, { now });
    this.#now = now;
  }

  status(): CheckpointStatus {
    const at = this.#upToDateAt;
    const ageSeconds = at === undefined ? undefined : Math.round((this.#now() - at) / 1000);
    return { ageSeconds, trouble: this.#trouble.reason, troubleCode: this.#trouble.code };
  }

  /**
   * Reads both; the newer valid one counts. What cannot be used is set aside and named in the log. It also stays in
   * place until the next checkpoint is written: a crash before that must not make this look like a first start. Never
   * throws: with nothing usable the forwarder still starts.
   */
  async load(): Promise<Loaded> {
    const current = await this.#read(this.#current);
    const previous = await this.#read(this.#previous);
    for (const [path, found] of [
      [this.#current, current],
      [this.#previous, previous],
    ] as const) {
      if (found.kind !== "valid" && found.kind !== "absent") await this.#keepAside(path, found);
    }
    const valid = [current, previous].filter((found) => found.kind === "valid");
    const newest = valid.toSorted((a, b) => b.sequence - a.sequence)[0];
    this.#sequence = newest?.sequence ?? 0;
    this.#isCurrentGood = newest === current;
    if (newest) return { kind: newest === current ? "ok" : "previous", body: newest.body };
    if (current.kind === "absent" && previous.kind === "absent") return { kind: "none" };
    const doubtful = [current, previous].find((found) => found.kind === "doubtful");
    return doubtful ? { kind: "doubtful", body: doubtful.body } : { kind: "lost" };
  }

  /**
   * Writes a checkpoint unless it says what the last one says. A failure is logged, and the next call tries again.
   * @returns whether it is on disk
   */
  async save(body: Body): Promise<boolean> {
    const content = JSON.stringify(body);
    if (content === this.#written) {
      this.#upToDateAt = this.#now();
      return true;
    }
    try {
      await this.#write(this.#fitting(body));
      this.#sequence++;
      this.#written = content;
      this.#upToDateAt = this.#now();
      this.#trouble.clear(`The checkpoint in ${this.#directory} can be written again.`);
      return true;
    } catch (reason) {
      this.#trouble.raise(
        `The checkpoint in ${this.#directory} cannot be written: ${describe(reason)}. Alerts are still ` +
          `forwarded, but a restart would send again what was sent since the last checkpoint. Make room, or make the ` +
          `directory writable; it is retried every second.`,
        { code: writeFailure("checkpoint", reason) },
      );
      return false;
    }
  }

  /** What is written can be read again: if a checkpoint would be too large, it names fewer lines as done. */
  #fitting(body: Body): string {
    const sequence = this.#sequence + 1;
    let text = encodeCheckpoint(body, sequence);
    const lines = linesIn(body);
    for (let kept = lines, size = sizeOf(text); size > maxCheckpointBytes && kept > 0; size = sizeOf(text)) {
      kept = Math.floor(kept * Math.min(0.9, maxCheckpointBytes / size));
      text = encodeCheckpoint({ ...body, doneBeyond: firstOf(body.doneBeyond, kept) }, sequence);
      if (sizeOf(text) > maxCheckpointBytes && kept > 0) continue;
      this.#log.warn(
        { code: "checkpoint-too-large" },
        `The checkpoint in ${this.#directory} has room for ${kept} of ${lines} lines that are done beyond the oldest open ` +
          `one. The others are read again after a restart, and sent again if the topic cannot be read.`,
      );
    }
    return text;
  }

  async #write(text: string): Promise<void> {
    await writeAtomically(this.#current, text, {
      beforeRename: async () => {
        if (this.#isCurrentGood) await this.#keepPrevious();
      },
    });
    this.#isCurrentGood = true;
  }

  /** Gives the current checkpoint a second name, so that it never goes before its successor is in place. */
  async #keepPrevious(): Promise<void> {
    try {
      await keepAs(this.#current, this.#previous, maxCheckpointBytes);
    } catch (reason) {
      if (!isAbsent(reason)) throw reason;
    }
  }

  async #read(path: string): Promise<Found> {
    try {
      return decodeCheckpoint(
        (await readRegularFile(path, { maxBytes: maxCheckpointBytes, links: "refuse" })).toString("utf8"),
      );
    } catch (reason) {
      if (isAbsent(reason)) return { kind: "absent" };
      this.#log.error({ code: "checkpoint-not-read" }, `The checkpoint ${path} cannot be read: ${describe(reason)}.`);
      return { kind: "damaged" };
    }
  }

  async #keepAside(path: string, found: Found): Promise<void> {
    const what = found.kind === "foreign" ? `has the unknown version ${JSON.stringify(found.version)}` : "is damaged";
    try {
      // Named by its own time, so that starting again and again keeps one copy.
      const aside = `${path}.damaged-${(await lstat(path)).mtime.toISOString().replaceAll(":", "")}`;
      await keepAs(path, aside, maxCheckpointBytes);
      this.#log.error(
        { code: "checkpoint-set-aside" },
        `The checkpoint ${path} ${what} and cannot be used; it is kept as ${aside}.`,
      );
    } catch (reason) {
      this.#log.error(
        { code: "checkpoint-not-set-aside" },
        `The checkpoint ${path} ${what} and cannot be set aside either: ${describe(reason)}.`,
      );
    }
  }
}

function sizeOf(text: string): number {
  return Buffer.byteLength(text);
}

function linesIn({ doneBeyond }: Body): number {
  return doneBeyond.reduce((sum, { offsets }) => sum + offsets.length, 0);
}

/** The first `max` lines. */
function firstOf(doneBeyond: readonly CompletedAhead[], max: number): CompletedAhead[] {
  const kept: CompletedAhead[] = [];
  for (let left = max, at = 0; left > 0 && at < doneBeyond.length; at++) {
    const done = doneBeyond[at];
    if (done === undefined) break;
    const { parts } = done;
    kept.push({ ...done, offsets: done.offsets.slice(0, left), ...(parts && { parts: parts.slice(0, left) }) });
    left -= done.offsets.length;
  }
  return kept;
}
