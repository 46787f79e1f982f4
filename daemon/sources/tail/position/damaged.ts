import { isSame, type Identity } from "../log/content-hash.ts";
import { identityOfFile, seen, type OpenLogFile } from "../log/log-file.ts";

/** An archive that could not be decompressed to its end, and what it was then. */
export interface DamagedArchive extends Identity {
  /** Dated name; an archive always has one. */
  readonly name: string;
  /** Path of the `.gz`. */
  readonly file: string;
  /** Decompressed: a line begins there that could not be read whole. */
  readonly end: number;
  /** Bytes of the `.gz`. */
  readonly size: number;
  /** Its ctime in nanoseconds since 1970, in decimal digits. */
  readonly changedNs: string;
}

/** What a reading has made of an archive. */
interface Step {
  /** Number of the reading; 0: before the last start. */
  readonly reading: number;
  /** Undefined: it was read to its end, or is given up. */
  readonly archive: DamagedArchive | undefined;
}

/** More damaged archives than that are not remembered: the oldest ones are given up. */
export const maxDamaged = 32;

/**
 * The damaged archives whose rest may still be read, once they are whole. No I/O.
 *
 * A checkpoint says what was so before the reading that its position belongs to: a restart repeats that reading, and comes to
 * the same again.
 */
export class DamagedArchives {
  /** By dated name, in the order in which they were found. */
  readonly #steps = new Map<string, Step[]>();

  /** Restores what a checkpoint says. */
  restore(archives: readonly DamagedArchive[]): void {
    for (const archive of archives.slice(-maxDamaged)) this.#steps.set(archive.name, [{ reading: 0, archive }]);
  }

  /** As they are now. */
  get all(): DamagedArchive[] {
    return [...this.#steps.values()].flatMap((steps) => steps.at(-1)?.archive ?? []);
  }

  has(name: string | null): boolean {
    return this.find(name) !== undefined;
  }

  find(name: string | null): DamagedArchive | undefined {
    return name === null ? undefined : this.#steps.get(name)?.at(-1)?.archive;
  }

  /**
   * Notes that a reading could read a `.gz` only up to `end`, where a line begins.
   * @returns archives that are given up for it, because there are too many
   */
  note({ origin, stat }: Pick<OpenLogFile, "origin" | "stat">, end: number, reading: number): DamagedArchive[] {
    const { name, file } = origin;
    if (name === undefined) return [];
    const { size, changedNs } = stat;
    const archive = { ...identityOfFile(origin), name: name.stem, file, end, size, changedNs: String(changedNs) };
    this.#add(name.stem, { reading, archive });
    const givenUp = this.all.slice(0, -maxDamaged);
    for (const old of givenUp) this.#steps.delete(old.name);
    return givenUp;
  }

  /** Forgets an archive: a reading read it to its end, or it is gone. */
  forget(name: string, reading: number): void {
    if (this.has(name)) this.#add(name, { reading, archive: undefined });
  }

  /** What a checkpoint must say whose position belongs to this reading. Must not be asked with a lower number later. */
  snapshot(reading: number): DamagedArchive[] {
    return [...this.#steps].flatMap(([name, steps]) => {
      const at = steps.findLastIndex((step) => step.reading < reading);
      if (at > 0) steps.splice(0, at);
      const archive = at < 0 ? undefined : steps[0]?.archive;
      if (at >= 0 && steps.length === 1 && archive === undefined) this.#steps.delete(name);
      return archive ?? [];
    });
  }

  #add(name: string, step: Step): void {
    const steps = this.#steps.get(name);
    if (steps === undefined) this.#steps.set(name, [step]);
    else steps.push(step);
  }
}

/** Whether a file that was opened holds what was read of a damaged archive, as far as its beginning shows. */
export function isRestOf(archive: DamagedArchive, { origin }: OpenLogFile): boolean {
  return archive.end === 0 || isSame(archive, seen(origin));
}
