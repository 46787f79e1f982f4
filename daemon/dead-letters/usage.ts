import { statIfPresent } from "../disk/file-stat.ts";
import { isAbsent } from "../errors.ts";
import { acknowledgedIn, acknowledgementsOf } from "./acknowledgements.ts";
import type { DeadLetter } from "./line.ts";
import { openSegment, scanLines } from "./scan.ts";
import { isNonAlert, segmentsOf } from "./segments.ts";
import { removedFrom, tombstonesOf } from "./tombstones.ts";
import { addAll, nothingOpen, OpenLetters, type OpenDeadLetters } from "./open.ts";

/** What the dead-letter store holds. */
export interface DeadLetterCount {
  /** Entries that were not removed. */
  readonly entries: number;
  /** Bytes of all its files; what was removed takes room until its segment is rewritten or deleted. */
  readonly bytes: number;
  /** Of the entries: those that somebody has taken note of; undefined in the status of a forwarder older than that. */
  readonly acknowledged: number | undefined;
  /** Neither removed nor acknowledged: alerts, and lines of the log that may be alerts. */
  readonly open: OpenDeadLetters;
  /** The same for lines of the socket that are not alerts. */
  readonly openNonAlerts: OpenDeadLetters;
}

export const emptyStore: DeadLetterCount = {
  entries: 0,
  bytes: 0,
  acknowledged: 0,
  open: nothingOpen,
  openNonAlerts: nothingOpen,
};

interface Counted {
  readonly id: string;
  readonly removedSize: number;
  readonly acknowledgedSize: number;
  /** The segment when it was last looked at. */
  size: number;
  changedNs: bigint;
  /** Up to here all lines were looked at, and the number of the next one. */
  next: { from: number; number: number };
  entries: number;
  acknowledged: number;
  readonly open: OpenLetters;
  readonly openNonAlerts: OpenLetters;
}

/**
 * Counts the entries of a store again and again. What only grew is read from where it ended; a segment of which entries
 * were removed or acknowledged is read again. What is kept of a segment has a bound, however many entries it has.
 */
export class DeadLetterUsage {
  readonly #directory: string;
  #known = new Map<string, Counted>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws the system's error if the store cannot be read; DfnError IO if a file in it is not one of ours */
  async count(): Promise<DeadLetterCount> {
    const known = new Map<string, Counted>();
    const sum = { entries: 0, bytes: 0, acknowledged: 0 };
    for (const path of await segmentsOf(this.#directory)) {
      const counted = await this.#look(path);
      if (counted === undefined) continue; // Deleted just now.
      known.set(path, counted);
      sum.entries += counted.entries;
      sum.acknowledged += counted.acknowledged;
      sum.bytes += counted.size + counted.removedSize + counted.acknowledgedSize;
    }
    this.#known = known;
    const all = [...known.values()];
    return {
      ...sum,
      open: addAll(all.map(({ open }) => open)),
      openNonAlerts: addAll(all.map(({ openNonAlerts }) => openNonAlerts)),
    };
  }

  async #look(path: string): Promise<Counted | undefined> {
    const found = await statIfPresent(path, "keep");
    if (found === undefined) return undefined;
    const removedSize = (await statIfPresent(tombstonesOf(path), "keep"))?.size ?? 0;
    const acknowledgedSize = (await statIfPresent(acknowledgementsOf(path), "keep"))?.size ?? 0;
    let counted = this.#known.get(path);
    // Another file under the name, or a shorter one: rewritten.
    const isNew = counted === undefined || counted.id !== found.id || counted.next.from > found.size;
    if (
      counted === undefined ||
      isNew ||
      counted.removedSize !== removedSize ||
      counted.acknowledgedSize !== acknowledgedSize
    ) {
      counted = beginning(found.id, removedSize, acknowledgedSize);
    }
    if (counted.size === found.size && counted.changedNs === found.changedNs) return counted;
    try {
      await read(path, counted);
    } catch (reason) {
      if (isAbsent(reason)) return undefined;
      throw reason;
    }
    counted.size = found.size;
    counted.changedNs = found.changedNs;
    return counted;
  }
}

function beginning(id: string, removedSize: number, acknowledgedSize: number): Counted {
  return {
    id,
    removedSize,
    acknowledgedSize,
    size: 0,
    changedNs: 0n,
    next: { from: 0, number: 1 },
    entries: 0,
    acknowledged: 0,
    open: new OpenLetters(),
    openNonAlerts: new OpenLetters(),
  };
}

/** Counts the lines that were not counted yet. One without its end is being written, or was never reported as stored. */
async function read(path: string, counted: Counted): Promise<void> {
  const removed = await removedFrom(path);
  const acknowledged = await acknowledgedIn(path);
  await using file = await openSegment(path);
  for await (const { number, from, length, letter, isEnded } of scanLines(path, file, counted.next)) {
    if (!isEnded) break;
    counted.next = { from: from + length + 1, number: number + 1 };
    if (removed.has(number)) continue;
    counted.entries += 1;
    if (acknowledged.has(number)) counted.acknowledged += 1;
    else if (letter !== undefined) openOf(counted, letter).add(letter);
  }
}

function openOf({ open, openNonAlerts }: Counted, letter: DeadLetter): OpenLetters {
  return isNonAlert(letter) ? openNonAlerts : open;
}
