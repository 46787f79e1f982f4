import { dirname } from "node:path";
import { Archives, isAbsent, look, type LogFile } from "./archives.ts";
import { parseStem } from "./dated-name.ts";
import { Generation } from "./generation.ts";
import type { Journal } from "./journal.ts";
import { chunkBuffers } from "./plain-reader.ts";

/** A generation that was opened where reading goes on. */
export interface Opened {
  readonly generation: Generation;
  /** Generations that rank above this are unread when this one is over. */
  readonly afterRank: number;
  /** What was read of it before, where that is known: a damaged `.gz` may end before it, and be whole later. */
  readonly doneTo?: number | undefined;
}

interface Between {
  readonly archive: LogFile;
  readonly afterRank: number;
}

/** Opens generations and knows which one comes next. Only one of them may be read at a time. */
export class Succession {
  readonly archives: Archives;
  /** Path of alerts.json. */
  readonly path: string;
  readonly #buffers = chunkBuffers();
  #beats = 0;

  constructor(path: string) {
    this.path = path;
    this.archives = new Archives(dirname(path));
  }

  /** Pieces of files read so far, also on the way to a place: it grows while there is progress. */
  get beats(): number {
    return this.#beats;
  }

  open(file: LogFile): Promise<Generation> {
    return Generation.open(file, this.#buffers, this.#beat);
  }

  /**
   * Opens alerts.json and learns its dated name; undefined when there is no alerts.json. It has no name where monitord
   * compressed and unlinked the dated file of a day that is still written (Wazuh 4.14 source:
   * src/monitord/manage_files.c:20-59); its `.gz` then holds the same bytes, and reading either knows the other again.
   */
  async openLive(): Promise<Generation | undefined> {
    let generation: Generation;
    try {
      generation = await this.open({ path: this.path, name: undefined, compressed: false });
    } catch (reason) {
      if (isAbsent(reason)) return undefined;
      throw reason;
    }
    try {
      const { origin } = generation;
      const archive = await this.archives.withId(origin.id);
      if (archive) {
        origin.name = archive.name;
        origin.file = archive.path;
      }
      return generation;
    } catch (reason) {
      await generation.close();
      throw reason;
    }
  }

  /**
   * Opens what is to be read after the generations that the journal knows: a finished one that was written to again, the
   * oldest unread archive, or alerts.json, at the offset where it was left if it was read before.
   * @returns undefined when there is nothing, or when it went away just now: then ask again later
   */
  async next(journal: Journal, signal: AbortSignal): Promise<Opened | undefined> {
    const live = await this.openLive();
    let opened: Opened | undefined;
    try {
      const file = await this.#between(journal, live);
      const generation = file ? await this.open(file.archive) : live;
      if (!generation) return undefined;
      const afterRank = file ? file.afterRank : (generation.origin.name?.rank ?? journal.afterRank);
      const end = journal.endOf(generation.origin);
      opened = { generation, afterRank, doneTo: end };
      // Where it does not reach that far it was truncated, and stays at its first byte; a `.gz` stays at its end.
      if (end !== undefined) await generation.seek(end, undefined, signal);
      return opened;
    } catch (reason) {
      await opened?.generation.close();
      if (isAbsent(reason)) return undefined;
      throw reason;
    } finally {
      if (live && opened?.generation !== live) await live.close();
    }
  }

  readonly #beat = (): void => {
    this.#beats += 1;
  };

  /** What is to be read before alerts.json. */
  async #between(journal: Journal, live: Generation | undefined): Promise<Between | undefined> {
    const { afterRank } = journal;
    const grown = await this.#grown(journal, live?.origin.id);
    if (grown) return { archive: grown, afterRank };
    const [unread] = await this.archives.after(afterRank);
    if (!unread || unread.name.rank === live?.origin.name?.rank) return undefined;
    return { archive: unread, afterRank: unread.name.rank };
  }

  /** A finished generation whose file holds more than was read: analysisd had it open longer than the path showed. */
  async #grown(journal: Journal, liveId: string | undefined): Promise<LogFile | undefined> {
    for (const { id, name: stem, end } of journal.finished) {
      const name = stem === null || id === liveId ? undefined : parseStem(stem);
      if (!name) continue;
      const path = this.archives.pathOf(name);
      const found = await look(path);
      if (found?.id === id && found.size > end) return { path, name, compressed: false };
    }
    return undefined;
  }
}
