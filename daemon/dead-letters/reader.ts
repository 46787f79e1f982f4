import { stat } from "node:fs/promises";
import { isForeign, letterId, readSegment, segmentsOf, type DeadLetter } from "./segments.ts";
import { maxSegmentBytes } from "./scan.ts";
import { sweep } from "./sweep.ts";
import { describe, DfnError, errnoOf } from "../errors.ts";
import { lockStateDir } from "../os/state-lock.ts";
import type { Log } from "../telemetry/log.ts";
import { statIfPresent } from "../disk/file-stat.ts";

/** An entry of the store and where it is. */
export interface Stored {
  /** Its id; see `letterId`. */
  readonly id: string;
  readonly segment: string;
  readonly number: number;
  readonly letter: DeadLetter;
  /** Whether somebody has acknowledged it. */
  readonly isAcknowledged: boolean;
  /** The size of the alert's bytes, even if they were not read with the entry. */
  readonly rawBytes: number;
}

/** How a store is searched. */
export interface Look {
  /** Alerts of up to this many bytes are read with their entry. */
  readonly maxRawBytes: number;
  /** Called for each line that cannot be read, in the segments that are searched. */
  readonly bad?: (segment: string, number: number) => void;
  /** Called for each file that has a segment's name and is not one of ours. */
  readonly foreign?: (path: string, reason: unknown) => void;
}

/** How much is searched at once; the store of a forwarder is kept at 256 MiB, unless it holds nothing but positions. */
const maxStoreBytes = 8 * 1024 * 1024 * 1024;
const maxUnreadable = 1_000_000;

/** Which entries to select. */
export type Choice =
  | { readonly kind: "all" }
  | { readonly kind: "before"; readonly timeMs: number }
  | { readonly kind: "ids"; readonly ids: ReadonlySet<string> };

/**
 * The selected entries, oldest first; one at a time is in memory.
 * @throws DfnError IO if there is far more than a forwarder ever keeps; else the system's error
 */
export async function* select(directory: string, choice: Choice, look: Look): AsyncGenerator<Stored> {
  let bytes = 0;
  let unreadable = 0;
  const counting: Look = {
    ...look,
    bad: (segment, number) => {
      unreadable += 1;
      look.bad?.(segment, number);
    },
  };
  for (const segment of await segmentsOf(directory)) {
    if (choice.kind === "ids" && !isNamed(segment, choice.ids)) continue;
    const size = (await statIfPresent(segment, "keep"))?.size ?? 0;
    bytes += Math.min(size, maxSegmentBytes);
    if (bytes > maxStoreBytes || unreadable > maxUnreadable) {
      const what = `${directory} holds more than any forwarder keeps there (8 GiB, or a million damaged lines)`;
      throw new DfnError("IO", `${what}: remove what does not belong there. What came before has been searched`);
    }
    try {
      yield* selectFrom(segment, choice, counting);
    } catch (reason) {
      if (!isForeign(reason)) throw reason;
      look.foreign?.(segment, reason);
    }
  }
}

async function* selectFrom(segment: string, choice: Choice, { maxRawBytes, bad }: Look): AsyncGenerator<Stored> {
  const isBad = (number: number): void => bad?.(segment, number);
  for await (const { number, letter, isAcknowledged, rawBytes } of readSegment(segment, isBad, maxRawBytes)) {
    const id = letterId(segment, number);
    if (choice.kind === "ids" && !choice.ids.has(id)) continue;
    if (choice.kind === "before" && !(Date.parse(letter.time) < choice.timeMs)) continue;
    yield { id, segment, number, letter, isAcknowledged, rawBytes };
  }
}

function isNamed(segment: string, ids: ReadonlySet<string>): boolean {
  const prefix = letterId(segment, 0).slice(0, -1);
  return [...ids].some((id) => id.startsWith(prefix));
}

/** @throws DfnError DATA that names the first id that does not exist */
export async function assertAllThere(directory: string, ids: ReadonlySet<string>): Promise<void> {
  const missing = new Set(ids);
  for await (const { id } of select(directory, { kind: "ids", ids }, { maxRawBytes: 0 })) missing.delete(id);
  const [first] = missing;
  if (first === undefined) return;
  throw new DfnError("DATA", `there is no dead letter ${first}; see: wazuh-dfn dead-letter list`);
}

type Mark = (segment: string, numbers: Iterable<number>) => Promise<void>;

/** Entries that are to be removed or acknowledged: collected while others are being processed, written together. */
export class Markings {
  readonly #mark: Mark;
  #waiting = new Map<string, number[]>();
  #writing: Promise<void> | undefined;
  #failure: { readonly reason: unknown } | undefined;

  /** @param mark `markRemoved` or `markAcknowledged` */
  constructor(mark: Mark) {
    this.#mark = mark;
  }

  add({ segment, number }: Pick<Stored, "segment" | "number">): void {
    const numbers = this.#waiting.get(segment);
    if (numbers === undefined) this.#waiting.set(segment, [number]);
    else numbers.push(number);
    this.#writing ??= this.#write();
  }

  /** Resolves when all that were added are marked, durably. @throws the system's error if one could not be */
  async done(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  async #write(): Promise<void> {
    await Promise.resolve(); // Includes what is added in the same turn.
    while (this.#waiting.size > 0) {
      const group = this.#waiting;
      this.#waiting = new Map();
      try {
        for (const [segment, numbers] of group) await this.#mark(segment, numbers);
      } catch (reason) {
        this.#failure ??= { reason };
      }
    }
    this.#writing = undefined;
  }
}

/**
 * Changes the store: one command at a time; a forwarder may be running. Segments that are empty afterwards
 * are deleted. Undefined if there is no store, and so nothing to change.
 * @throws DfnError UNAVAILABLE if another command is changing it, IO if the store cannot be read or written
 */
export async function changing<T>(directory: string, log: Log, change: () => Promise<T>): Promise<T | undefined> {
  if (!(await isThere(directory))) return undefined;
  await using _lock = await lock(directory, log);
  try {
    return await change();
  } finally {
    await sweep(directory);
  }
}

async function lock(directory: string, log: Log): Promise<AsyncDisposable> {
  try {
    return await lockStateDir(directory, log);
  } catch (reason) {
    if (!(reason instanceof DfnError) || reason.code !== "UNAVAILABLE") throw reason;
    const what = `another dead-letter command is changing ${directory}; wait until it has ended`;
    throw new DfnError("UNAVAILABLE", what, { cause: reason });
  }
}

async function isThere(directory: string): Promise<boolean> {
  try {
    await stat(directory);
    return true;
  } catch (reason) {
    if (errnoOf(reason) === "ENOENT") return false;
    throw reason;
  }
}

/** A system error as an error for the administrator. */
export function unreadableStore(directory: string, reason: unknown): unknown {
  if (errnoOf(reason) === undefined || reason instanceof DfnError) return reason;
  const remedy =
    "run the command as root or as the forwarder's user, make sure that all of it belongs to that user and that the disk is not full";
  return new DfnError("IO", `the dead letters in ${directory} cannot be used: ${describe(reason)}; ${remedy}`, {
    cause: reason,
  });
}
