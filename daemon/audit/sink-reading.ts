/** Reading what the sink holds, or a list of it, into entries. */
import type { Config } from "../config/schema.ts";
import { GzipFault } from "../disk/gunzip.ts";
import { describe, DfnError, errnoOf } from "../errors.ts";
import type { StoredProgress } from "../explain/log-progress.ts";
import type { RecordReading, TopicExtent, UnreadRecords } from "../records/record-reading.ts";
import { readNodeIdentity } from "../wazuh/node.ts";
import type { AuditResult } from "./audit-result.ts";
import type { EntryFiles } from "./entry-files.ts";
import { AuditNames } from "./names.ts";
import type { SettingsOfTime } from "../explain/settings-of-time.ts";
import { ListLines, removedUntil, type SinkSide, stretchesSince } from "./sink-side.ts";

/** Reads the sink back; see `SinkDefinition`. */
export interface SinkReader {
  readonly extents: (topics: readonly string[], signal: AbortSignal) => Promise<readonly TopicExtent[]>;
  readonly read: (reading: RecordReading) => Promise<readonly UnreadRecords[]>;
}

/** Topics of which not all could be read. */
export type UnreadTopics = "all" | ReadonlySet<string>;

/** What is read. */
export interface SinkParts {
  /** What the sink holds: the sink itself, or pieces of a list. */
  readonly sink: SinkReader | { readonly list: AsyncIterable<Buffer> };
  readonly progress: { kept: number };
  readonly signal: AbortSignal;
}

/** Reads the sink, or the list. @returns what could not be read */
export async function readSink(
  { sink, progress, signal }: SinkParts,
  kept: SinkSide,
  entries: EntryFiles,
  result: Pick<AuditResult, "unknowns">,
  extents: readonly TopicExtent[],
  sinceMs: number | undefined,
): Promise<UnreadTopics> {
  if ("list" in sink) {
    const lines = new ListLines();
    const take = (found: Iterable<{ readonly line: string; readonly offset: number }>): void => {
      for (const { line, offset } of found) {
        const entry = kept.entryOfLine(line, offset);
        if (entry !== undefined) entries.add(entry);
        progress.kept += 1;
      }
    };
    for await (const chunk of readable(sink.list)) {
      signal.throwIfAborted();
      take(lines.push(chunk));
    }
    take(lines.end());
    if (kept.badLines > 0) result.unknowns.push(`--ids: ${kept.badLines} lines cannot be understood`);
    return kept.badLines > 0 ? "all" : new Set();
  }
  const troubles = extents.flatMap(({ topic, trouble }) => (trouble === undefined ? [] : [{ topic, text: trouble }]));
  const more = await sink.read({
    stretches: stretchesSince(extents, sinceMs),
    visit: (record) => {
      const entry = kept.entryOf(record);
      if (entry !== undefined) entries.add(entry);
      progress.kept += 1;
    },
    signal,
  });
  const all = [...troubles, ...more];
  result.unknowns.push(...new Set(all.map(({ text }) => text)));
  return new Set(all.map(({ topic }) => topic));
}

/** @throws DfnError IO or DATA if the list cannot be read */
async function* readable(list: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* list;
  } catch (reason) {
    if (reason instanceof DfnError) throw reason;
    const what = `--ids: the list cannot be read: ${describe(reason)}`;
    if (reason instanceof GzipFault) throw new DfnError("DATA", what, { cause: reason });
    throw errnoOf(reason) === undefined ? reason : new DfnError("IO", what, { cause: reason });
  }
}

/** Numbers for all names that are known before anything is read. */
export function namesOf(config: Config, settings: SettingsOfTime, stored: StoredProgress): AuditNames {
  const names = new AuditNames();
  for (const handler of settings.handlers) names.handlers.number(handler);
  for (const topic of settings.topics) names.topics.number(topic);
  const identity = readNodeIdentity(config.wazuh.home);
  const nodes = stored.kind === "stored" ? stored.progress.nodes : [];
  for (const node of [...nodes, identity.fallbackName ?? identity.name]) names.nodes.number(node);
  return names;
}

/** Whether what was appended in a second may have been removed from a topic, or could not be read. */
export function removalTest(
  names: AuditNames,
  extents: readonly TopicExtent[],
  unread: UnreadTopics,
): (topic: number, second: number) => boolean {
  const removed = removals(names, extents);
  return (topic, second) => {
    const untilMs = removed.get(topic);
    if (unread === "all" || unread.has(names.topics.text(topic))) return true;
    return untilMs !== undefined && second * 1000 <= untilMs;
  };
}

/** Sentences on what may have been removed. */
export function removalTexts(extents: readonly TopicExtent[]): readonly string[] {
  return extents.flatMap((extent) => {
    const untilMs = removedUntil(extent);
    if (untilMs === undefined) return [];
    const until = new Date(untilMs).toISOString();
    return [`${extent.topic}: what was appended before ${until} may have been removed (retention)`];
  });
}

/** By the number of a topic: until when what was appended may have been removed; milliseconds since 1970. */
function removals(names: AuditNames, extents: readonly TopicExtent[]): ReadonlyMap<number, number> {
  const removed = new Map<number, number>();
  for (const extent of extents) {
    const untilMs = removedUntil(extent);
    if (untilMs !== undefined) removed.set(names.topics.number(extent.topic), untilMs);
  }
  return removed;
}

/** @throws DfnError UNAVAILABLE: without a sink that can be read there is nothing to compare with */
export function unreadable(reason: string): never {
  throw new DfnError("UNAVAILABLE", `${reason}; with --ids FILE the other side's list is compared instead`);
}
