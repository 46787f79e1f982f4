/** The files of the dead-letter store, as they are read and made smaller. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../errors.ts";
import { writeAtomically } from "../disk/atomic-file.ts";
import type { DeadReason, Place, SourceName } from "./contract.ts";

/** One entry, as it stands in the file. */
export interface DeadLetter {
  readonly version: 1;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly source: SourceName;
  readonly reason: DeadReason;
  /** A sentence on what was wrong. */
  readonly detail: string;
  /** The handler whose record was refused, where there is one. */
  readonly handler?: string;
  readonly place: Place;
  /** The alert's bytes in base64; absent when they were given up for room. */
  readonly raw?: string;
  /** Bytes in `raw` where it holds only the beginning of an over-long line. */
  readonly keptBytes?: number;
}

/** Paths of the segments, oldest first. A store that was never written has none. */
export async function segmentsOf(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((reason: NodeJS.ErrnoException) => {
    if (reason.code === "ENOENT") return [];
    throw reason;
  });
  return names
    .filter((name) => name.endsWith(".ndjson"))
    .toSorted()
    .map((name) => join(directory, name));
}

/** The entries of a segment, in order; a line that cannot be read is passed over and given to `bad`. */
export async function* readSegment(path: string, bad: (line: number) => void): AsyncGenerator<DeadLetter> {
  const bytes = await readFile(path);
  for (let from = 0, number = 1; from < bytes.length; number++) {
    const newline = bytes.indexOf(0x0a, from);
    const to = newline < 0 ? bytes.length : newline;
    const letter = letterOf(bytes.toString("utf8", from, to));
    if (letter === undefined) bad(number);
    else yield letter;
    from = to + 1;
  }
}

function letterOf(line: string): DeadLetter | undefined {
  try {
    const letter: unknown = JSON.parse(line);
    return isDeadLetter(letter) ? letter : undefined;
  } catch {
    return undefined; // Half written when a process was killed; the caller is told.
  }
}

/** The version stands for the rest: nobody but this store writes here. */
function isDeadLetter(value: unknown): value is DeadLetter {
  return typeof value === "object" && value !== null && "version" in value && value.version === 1;
}

/** Rewrites a segment without raw bytes; undefined when it holds none. */
export async function withoutRaw(path: string): Promise<{ count: number; bytes: number } | undefined> {
  const lines: string[] = [];
  let count = 0;
  for await (const { raw, ...letter } of readSegment(path, () => undefined)) {
    if (raw !== undefined) count += 1;
    lines.push(`${JSON.stringify(letter)}\n`);
  }
  if (count === 0) return undefined;
  const text = lines.join("");
  await writeAtomically(path, text);
  return { count, bytes: Buffer.byteLength(text) };
}

/** Whether another living process, as the segment's name tells, may be appending to it. */
export function isWrittenByAnother(path: string): boolean {
  const pid = Number(/-(\d+)-\d+\.ndjson$/.exec(path)?.[1]);
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (reason) {
    return errnoOf(reason) !== "ESRCH";
  }
}
