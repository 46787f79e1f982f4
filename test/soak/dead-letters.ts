import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sequenceOf } from "./alerts.ts";
import type { SoakLedger } from "./ledger.ts";

/** What the referee needs of an entry: it reads the store's files by itself. */
interface Entry {
  readonly reason: string;
  readonly detail: string;
  readonly place: { readonly file: string; readonly offset: number; readonly length: number };
  readonly raw?: string;
  readonly keptBytes?: number;
}

/** The contents of the store, compared with the ledger. */
export interface DeadLetterCount {
  readonly entries: number;
  /** Entries of alerts that should have been delivered; a line for each. */
  readonly wrong: readonly string[];
  /** Raw bytes of entries that are not an alert of the run. */
  readonly fragments: readonly Buffer[];
}

/** Reads the store, and enters into the ledger which alerts are dead. */
export function readDeadLetters(stateDir: string, ledger: SoakLedger): DeadLetterCount {
  const directory = join(stateDir, "dead-letters");
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith(".ndjson")) : [];
  const wrong: string[] = [];
  const fragments: Buffer[] = [];
  let entries = 0;
  for (const line of names.toSorted().flatMap((name) => linesOf(join(directory, name)))) {
    const entry = parse(line);
    if (entry === undefined) continue;
    entries++;
    const raw = Buffer.from(entry.raw ?? "", "base64");
    const sequence = sequenceOf(/^\{"timestamp":"([^"]{28})"/.exec(raw.subarray(0, 100).toString("latin1"))?.[1]);
    const isWhole = raw.length === entry.place.length || entry.keptBytes !== undefined;
    if (sequence === undefined || !isWhole || !ledger.isRelevant(sequence) || entry.reason === "torn") {
      fragments.push(raw);
      continue;
    }
    ledger.die(sequence);
    if (!ledger.mayBeDead(sequence)) wrong.push(`${sequence}: ${entry.reason}: ${entry.detail}`);
  }
  return { entries, wrong, fragments };
}

/** Lines of a segment that were not removed. */
function linesOf(path: string): string[] {
  const tombstones = `${path}.removed`;
  const text = existsSync(tombstones) ? readFileSync(tombstones, "latin1") : "";
  const removed = new Set(Array.from(text.matchAll(/^(\d+) removed$/gm), ([, number]) => Number(number)));
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((_, index) => !removed.has(index + 1));
}

function parse(line: string): Entry | undefined {
  if (line.length === 0) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // half written when the process was killed: it was never reported as stored
  }
}
