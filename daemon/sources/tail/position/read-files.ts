import { partsPerDay } from "../log/dated-name.ts";
import { contentHash } from "../log/content-hash.ts";

/** What was read of a dated file. */
export interface ReadFile {
  /** Of its dated name. */
  readonly rank: number;
  /** Up to which byte of its content, decompressed; `wholly` for a file of which nothing is wanted, whatever it holds. */
  readonly end: number;
  /** First bytes: how many were hashed, and the beginning of their SHA-256. Length 0: known only by its name. */
  readonly length: number;
  readonly hash: string;
  /** Inode of the plain file, 0 if it is not known; the same inode with the same size needs no second check. */
  readonly inode: string;
  /** Whether it also represents every earlier part of its day. */
  readonly hasEarlierParts: boolean;
}

/** End of a file of which nothing is wanted. */
export const wholly = Number.MAX_SAFE_INTEGER;

const hashDigits = 16;
/** How many first bytes are hashed: an alert's time to the millisecond and its rule. A short file soon has them. */
const knownBytes = 128;
/** More than two years of days. */
const maxFiles = 1000;
/** This many of the newest are kept part by part; of a day before them the last part represents the earlier ones. */
const maxParts = 256;

/** Files further apart than two years are not of one run of days: before the gap the clock was wrong. */
const gapRanks = 2 * 12 * 32 * partsPerDay;
/** This many of the lowest are checked for such a gap. */
const maxStray = 100;

const pattern = /^([0-9a-z]{1,11})\.([0-9a-z]{1,11})\.([0-9a-z]{1,4})\.([0-9a-f]{0,16})\.(\d{1,20})(\*?)$/;

/**
 * Which dated files were read, and how far: by name and content, because analysisd goes back to the names of days that
 * are over when the machine's clock is set back. What is on disk and not known here is unread, whatever the rank of its name.
 *
 * Constant in size. When it is full, the oldest days are forgotten, and from then on everything in their time counts as
 * read; days long before them, at which a machine starts whose clock does not run, do not.
 */
export class ReadFiles {
  #files: ReadFile[] = [];
  /** Ranks from the first to the second count as read if no file is listed; none if the second is 0. */
  #covered: readonly [from: number, to: number] = [0, 0];
  #text: string | undefined;

  /** Rank of the newest file that is known; 0 for none. */
  get newest(): number {
    return Math.max(this.#covered[1], this.#files.at(-1)?.rank ?? 0);
  }

  /** From now on files in this range of ranks count as read if they are not listed. */
  cover(from: number, to: number): void {
    const [first, last] = this.#covered;
    this.#covered = last === 0 ? [from, to] : [Math.min(first, from), Math.max(last, to)];
    this.#text = undefined;
  }

  /** Notes how far a file was read. What was known of the same content is replaced. @param head its first bytes */
  note(rank: number, head: Buffer, end: number, inode: string): void {
    this.#files = this.#files.filter((file) => {
      if (file.rank !== rank) return true;
      return file.length === 0 ? file.inode !== inode : !begins(head, file);
    });
    this.add(readFile(rank, head, end, inode));
  }

  /** Adds an entry as it is, unless one with the same name and beginning is known, which then gets its end. */
  add(file: ReadFile): void {
    this.#text = undefined;
    const hash = file.hash.slice(0, hashDigits);
    const others = this.#files.filter(
      (other) => other.rank !== file.rank || other.length !== file.length || other.hash !== hash,
    );
    const at = others.findLastIndex(({ rank }) => rank <= file.rank) + 1;
    this.#files = others.toSpliced(at, 0, { ...file, hash });
    if (this.#files.length > maxParts) this.#pack();
  }

  /** What is known of files with this name, the newest knowledge last. */
  of(rank: number): ReadFile[] {
    return this.#files.filter((file) => file.rank === rank);
  }

  /** Whether everything with this name was read, though no file of it is listed. */
  isCovered(rank: number): boolean {
    if (rank >= this.#covered[0] && rank <= this.#covered[1]) return true;
    return this.#files.some((file) => file.hasEarlierParts && file.rank > rank && dayOf(file.rank) === dayOf(rank));
  }

  /** The file with this content, under whatever name; undefined if none is known or the head is too short to decide. */
  withHead(head: Buffer, shortest: number): ReadFile | undefined {
    return this.#files.findLast((file) => file.length >= shortest && begins(head, file));
  }

  /** In one line for the checkpoint. */
  get text(): string {
    this.#text ??= [...this.#covered.map((rank) => rank.toString(36)), ...this.#files.map(textOf)].join(" ");
    return this.#text;
  }

  /** Reads back what `text` gave, into an empty list. Any text will do: what cannot be an entry is left out. */
  restore(text: string): void {
    const [from = "", to = "", ...entries] = text.split(" ");
    if (numberOf(to) > 0) this.cover(numberOf(from), numberOf(to));
    for (const entry of entries) {
      const match = pattern.exec(entry);
      if (!match) continue;
      const [, rank = "", end = "", length = "", hash = "", inode = "", mark = ""] = match;
      const hasEarlierParts = mark !== "";
      this.add({ rank: numberOf(rank), end: numberOf(end), length: numberOf(length), hash, inode, hasEarlierParts });
    }
  }

  #pack(): void {
    const packed: ReadFile[] = [];
    const mayPack = this.#files.length - maxParts;
    for (const [index, file] of this.#files.entries()) {
      const last = packed.at(-1);
      const isLater = last !== undefined && last.rank < file.rank && dayOf(last.rank) === dayOf(file.rank);
      if (index <= mayPack && isLater) packed[packed.length - 1] = { ...file, hasEarlierParts: true };
      else packed.push(file);
    }
    while (packed.length > maxFiles) {
      const [forgotten] = packed.splice(strayOf(packed), 1);
      if (forgotten) this.cover(forgotten.rank, forgotten.rank);
    }
    this.#files = packed;
  }
}

/** @param head first bytes of the file */
export function readFile(rank: number, head: Buffer, end: number, inode: string): ReadFile {
  const { length, hash } = contentHash(head.subarray(0, knownBytes));
  return { rank, end, length, hash: hash.slice(0, hashDigits), inode, hasEarlierParts: false };
}

/** How many of the lowest lie long before the rest. */
function strayOf(files: readonly ReadFile[]): number {
  return files.slice(0, maxStray).findLastIndex(({ rank }, at) => (files[at + 1]?.rank ?? rank) - rank > gapRanks) + 1;
}

/** Whether a file begins with what is known of one; true for one that is known only by its name. */
export function begins(head: Buffer, { length, hash }: Pick<ReadFile, "length" | "hash">): boolean {
  return head.length >= length && contentHash(head.subarray(0, length)).hash.startsWith(hash.slice(0, hashDigits));
}

function dayOf(rank: number): number {
  return Math.floor(rank / partsPerDay);
}

function numberOf(text: string): number {
  const number = Number.parseInt(text, 36);
  return Number.isSafeInteger(number) && number >= 0 ? number : 0;
}

function textOf({ rank, end, length, hash, inode, hasEarlierParts }: ReadFile): string {
  const numbers = [rank, end, length].map((number) => number.toString(36));
  return `${numbers.join(".")}.${length === 0 ? "" : hash}.${inode}${hasEarlierParts ? "*" : ""}`;
}
