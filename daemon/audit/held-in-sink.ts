/** What of the alerts in files the sink does not hold: `replay --missing-only`. */
import type { Config } from "../config/schema.ts";
import type { StoredProgress } from "../explain/log-progress.ts";
import type { TopicExtent } from "../records/record-reading.ts";
import { compareBlock, type AuditVerdict } from "./comparison.ts";
import { EntryFiles } from "./entry-files.ts";
import { LogSide, type AuditedLine } from "./log-side.ts";
import type { MissingRecords } from "./missing-records.ts";
import type { AuditNames } from "./names.ts";
import type { SettingsOfTime } from "../explain/settings-of-time.ts";
import { namesOf, readSink, removalTest, removalTexts, type SinkParts } from "./sink-reading.ts";
import { SinkSide } from "./sink-side.ts";
import type { TimeSpan } from "./time-span.ts";
import type { Workspace } from "./workspace.ts";

export interface HeldParts extends SinkParts {
  readonly config: Config;
  readonly settings: SettingsOfTime;
  readonly span: TimeSpan;
  readonly workspace: Workspace;
  readonly missing: MissingRecords;
  readonly stored: StoredProgress;
  /** Shows each line that may be relevant. */
  readonly readLines: (take: (line: AuditedLine) => void) => Promise<void>;
}

/** Records that are not sent, and why. */
export interface HeldRecords {
  /** They are there, or their re-prints are. */
  held: number;
  /** A record of their alert is there, with another value. */
  altered: number;
  /** The forwarder is not done with their lines. */
  pending: number;
  /** What was there in their time may have been removed. */
  unknown: number;
  readonly names: AuditNames;
  readonly extents: readonly TopicExtent[];
  /** Something that may be there could not be read. */
  readonly hasUnread: boolean;
  /** Why something cannot be known, a sentence each. */
  readonly unknowns: readonly string[];
}

const held: Partial<Record<AuditVerdict, "held" | "altered" | "pending" | "unknown">> = {
  equal: "held",
  reprinted: "held",
  altered: "altered",
  pending: "pending",
  unknown: "unknown",
};

/** Fills `missing` with what has to be sent. */
export async function heldInSink(parts: HeldParts): Promise<HeldRecords> {
  const { config, settings, span, sink, workspace, missing, stored, signal } = parts;
  const extents = "list" in sink ? [] : await sink.extents(settings.topics, signal);
  workspace.assertSpace(0);
  using entries = new EntryFiles(workspace);
  const names = namesOf(config, settings, stored);
  const lines = new LogSide(settings, names, span);
  // A dead letter is not held: whoever replays its file wants to send it.
  const noLetters = { flagsAt: () => 0 };
  await parts.readLines((line) => lines.take(line, noLetters, (entry) => entries.add(entry)));
  const { firstSecond } = lines;
  const report = { unknowns: new Array<string>() };
  const kept = new SinkSide(names, span);
  const sinceMs = firstSecond === undefined ? undefined : firstSecond * 1000;
  const unread = await readSink(parts, kept, entries, report, extents, sinceMs);
  const found = { held: 0, altered: 0, pending: 0, unknown: 0 };
  const isRemoved = removalTest(names, extents, unread);
  for (const block of entries.blocks()) {
    for (const { verdict, expected } of compareBlock(block, isRemoved)) {
      const kind = held[verdict];
      if (kind !== undefined) found[kind] += 1;
      else if (verdict === "missing") missing.add(block.sendKey(expected), block.place(expected));
    }
    signal.throwIfAborted();
  }
  if (found.unknown > 0) report.unknowns.push(...removalTexts(extents));
  return { ...found, names, extents, hasUnread: unread === "all" || unread.size > 0, unknowns: report.unknowns };
}
