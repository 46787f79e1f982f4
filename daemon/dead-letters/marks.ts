import { dirname } from "node:path";
import { syncDirectory } from "../disk/atomic-file.ts";
import { openForAppending } from "../disk/open-file.ts";
import { readRegularFile } from "../disk/read-file.ts";
import { DfnError, isAbsent } from "../errors.ts";

const newline = 0x0a;
/** A quarter of a million marks; a segment of ours has a tenth of that in entries. */
const maxBytes = 4 * 1024 * 1024;

/**
 * What was decided about entries of a segment. A segment may be open in a running forwarder, so an entry is never changed
 * in place: its number and a word are appended to a file next to the segment, one line each. The number of an entry never
 * changes, even when the segment is compacted.
 */
export class Marks {
  readonly #word: string;
  /** The word behind the number proves that the line is whole: a crash may cut it off in the middle of the number. */
  readonly #form: RegExp;

  /** @param word of lower-case letters; also the ending of the file's name */
  constructor(word: string) {
    this.#word = word;
    this.#form = new RegExp(`^(\\d{1,10}) ${word}$`);
  }

  /** Path of the file next to a segment. */
  fileOf(segment: string): string {
    return `${segment}.${this.#word}`;
  }

  /**
   * Numbers (from 1) of the entries that are marked.
   * @throws DfnError IO when the file is not one that we made; else the system's error
   */
  async of(segment: string): Promise<Set<number>> {
    const marked = new Set<number>();
    for (const line of (await textOf(this.fileOf(segment))).split("\n")) {
      const number = this.#form.exec(line)?.[1];
      if (number !== undefined) marked.add(Number(number));
    }
    return marked;
  }

  /**
   * Marks entries. Durable once it resolves; marking one twice does no harm.
   * @throws DfnError IO when the file is not one that we made, or would become larger than any that is read; else the
   *   system's error
   */
  async add(segment: string, numbers: Iterable<number>): Promise<void> {
    const lines = [...numbers].map((number) => `${number} ${this.#word}\n`).join("");
    if (lines === "") return;
    const path = this.fileOf(segment);
    const file = await openForAppending(path, 0o600);
    try {
      const { size } = await file.stat();
      if (size + lines.length >= maxBytes) {
        throw new DfnError("IO", `${path} is full: more was written to it than its segment has entries; remove it`);
      }
      const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
      const isTorn = bytesRead === 1 && buffer[0] !== newline;
      await file.appendFile(isTorn ? `\n${lines}` : lines);
      await file.datasync();
    } finally {
      await file.close();
    }
    await syncDirectory(dirname(segment));
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return (await readRegularFile(path, { maxBytes, links: "refuse" })).toString("latin1");
  } catch (reason) {
    if (isAbsent(reason)) return "";
    throw reason;
  }
}
