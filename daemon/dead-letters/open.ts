import type { DeadLetter } from "./line.ts";

/** Dead letters with the same cause. */
interface DeadLetterCause {
  readonly source: string;
  readonly reason: string;
  /** The handler whose record was refused; undefined when the line did not get as far as a handler. */
  readonly handler: string | undefined;
  readonly entries: number;
}

/** Dead letters that nobody has acknowledged. */
export interface OpenDeadLetters {
  readonly entries: number;
  /** ISO 8601: time of the oldest; undefined when there is none. */
  readonly since: string | undefined;
  /** Most entries first, at most `maxCauses`; rarer ones count only in `entries`. */
  readonly causes: readonly DeadLetterCause[];
  /** What was wrong with the newest one. */
  readonly detail: string | undefined;
}

export const nothingOpen: OpenDeadLetters = { entries: 0, since: undefined, causes: [], detail: undefined };

const maxCauses = 16;
/** Of one segment. There are three sources, six reasons and three handlers; more are not ours. */
const maxKeys = 64;
const maxWord = 64;
const maxDetail = 300;

/** Counts open dead letters of one segment by cause. Its size does not depend on their number. */
export class OpenLetters {
  entries = 0;
  sinceMs: number | undefined;
  newestMs = Number.NEGATIVE_INFINITY;
  detail: string | undefined;
  readonly causes = new Map<string, DeadLetterCause>();

  add({ source, reason, handler, time, detail }: DeadLetter): void {
    this.entries += 1;
    const atMs = Date.parse(time);
    if (Number.isFinite(atMs)) {
      this.sinceMs = Math.min(this.sinceMs ?? atMs, atMs);
      if (atMs >= this.newestMs) {
        this.newestMs = atMs;
        this.detail = detail.slice(0, maxDetail);
      }
    }
    addTo(this.causes, { source: word(source), reason: word(reason), handler: handler && word(handler), entries: 1 });
  }
}

function word(text: string): string {
  return text.slice(0, maxWord);
}

function addTo(causes: Map<string, DeadLetterCause>, cause: DeadLetterCause): void {
  const key = JSON.stringify([cause.source, cause.reason, cause.handler]);
  const former = causes.get(key);
  if (former === undefined && causes.size >= maxKeys) return;
  causes.set(key, { ...cause, entries: (former?.entries ?? 0) + cause.entries });
}

/** The open dead letters of all segments. */
export function addAll(all: readonly OpenLetters[]): OpenDeadLetters {
  const causes = new Map<string, DeadLetterCause>();
  let entries = 0;
  let sinceMs: number | undefined;
  let newest: OpenLetters | undefined;
  for (const one of all) {
    if (one.entries === 0) continue;
    entries += one.entries;
    if (one.sinceMs !== undefined) sinceMs = Math.min(sinceMs ?? one.sinceMs, one.sinceMs);
    if (newest === undefined || one.newestMs >= newest.newestMs) newest = one;
    for (const cause of one.causes.values()) addTo(causes, cause);
  }
  return {
    entries,
    since: sinceMs === undefined ? undefined : new Date(sinceMs).toISOString(),
    causes: [...causes.values()].toSorted((a, b) => b.entries - a.entries).slice(0, maxCauses),
    detail: newest?.detail,
  };
}
