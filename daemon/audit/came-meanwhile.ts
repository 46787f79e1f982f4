import type { TopicExtent } from "../records/record-reading.ts";
import { sendKey } from "./entries.ts";
import type { MissingRecords } from "./missing-records.ts";
import type { AuditNames } from "./names.ts";
import type { SettingsOfTime } from "../explain/settings-of-time.ts";
import type { SinkReader } from "./sink-reading.ts";
import { SinkSide, stretchesBetween } from "./sink-side.ts";

export interface MeanwhileParts {
  readonly reader: SinkReader;
  readonly settings: SettingsOfTime;
  readonly missing: MissingRecords;
  readonly names: AuditNames;
  /** Where the topics ended when they were read. */
  readonly extents: readonly TopicExtent[];
  readonly signal: AbortSignal;
}

/**
 * Reads what has come into the topics since they were read, and takes it from what is missing.
 * @param found called for each missing record that has come, with the alert's second (-1: not known) and its node
 * @returns why that could not be seen, so that nothing may be sent; undefined if it could
 */
export async function cameMeanwhile(
  { reader, settings, missing, names, extents, signal }: MeanwhileParts,
  found: (second: number, node: string) => void,
): Promise<string | undefined> {
  const kept = new SinkSide(names, { fromMs: undefined, toMs: undefined });
  const now = await reader.extents(settings.topics, signal);
  const unread = await reader.read({
    stretches: stretchesBetween(extents, now),
    visit: (record) => {
      const entry = kept.entryOf(record);
      if (entry?.content === undefined || !missing.take(sendKey(entry.identity, entry.content))) return;
      found(entry.second, record.node);
    },
    signal,
  });
  const [refusal] = [...now.flatMap(({ trouble }) => trouble ?? []), ...unread.map(({ text }) => text)];
  return refusal;
}
