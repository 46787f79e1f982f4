/** Compares the log with the sink: every record that must be there, and every record that is. */
import type { Config } from "../config/schema.ts";
import { statIfPresent } from "../disk/file-stat.ts";
import { storedProgress, type LineState, type StoredProgress } from "../explain/log-progress.ts";
import { LogWalk, logOriginAt } from "../explain/log-walk.ts";
import { alertsPath, archivesOf, liveFile } from "../explain/manager-log.ts";
import { searchGroups } from "../explain/search-order.ts";
import type { TopicExtent } from "../records/record-reading.ts";
import type { LogFile } from "../sources/tail/log/archives.ts";
import type { FileOrigin } from "../sources/tail/log/log-file.ts";
import { alertTimeOf } from "../sources/tail/feeder.ts";
import { AuditResult } from "./audit-result.ts";
import { compareBlock } from "./comparison.ts";
import { LogDays } from "./log-days.ts";
import { DeadLetterSide } from "./dead-letter-side.ts";
import { EntryFiles } from "./entry-files.ts";
import { entryBytes } from "./entries.ts";
import { LogSide } from "./log-side.ts";
import type { MissingRecords } from "./missing-records.ts";
import type { AuditNames } from "./names.ts";
import type { SettingsOfTime } from "../explain/settings-of-time.ts";
import { namesOf, readSink, removalTest, removalTexts, type SinkParts } from "./sink-reading.ts";
import { SinkSide } from "./sink-side.ts";
import type { TimeSpan } from "./time-span.ts";
import type { Workspace } from "./workspace.ts";

/** How far an audit is. */
export interface AuditProgress {
  phase: "log" | "sink" | "comparison";
  files: number;
  ofFiles: number;
  /** Of the log, decompressed. */
  bytes: number;
  /** Records that must be there, so far. */
  expected: number;
  /** Records that are there, so far. */
  kept: number;
}

export interface AuditParts extends SinkParts {
  readonly config: Config;
  readonly maxLineBytes: number;
  readonly settings: SettingsOfTime;
  readonly span: TimeSpan;
  readonly workspace: Workspace;
  readonly missing: MissingRecords | undefined;
  /** Called now and then, to give back what was decompressed. */
  readonly collect: () => void;
  readonly progress: AuditProgress;
  readonly signal: AbortSignal;
}

/** What an audit found, and what it read. */
export interface Audited {
  readonly result: AuditResult;
  readonly names: AuditNames;
  readonly files: readonly LogFile[];
  /** Where the topics ended when it began; empty for a list. */
  readonly extents: readonly TopicExtent[];
  /** Decompressed. */
  readonly bytes: number;
  /** Seconds since 1970 of the first and the last alert that a handler wants; undefined if there is none. */
  readonly firstSecond: number | undefined;
  readonly lastSecond: number | undefined;
  readonly notes: readonly string[];
}

/** A typical alert is longer; bytes. */
const alertBytes = 600;
/** Neighbours in the log are out of order by less; and the first file may begin in the middle of a second. */
const disorderSeconds = 5;
/** What an archive of alerts compresses to, at the least. */
const compressionFactor = 10;

/**
 * Compares. The order of the readings keeps every number true while a forwarder runs: what the position says is done is in
 * the topic before its end is asked for, and what is in the topic by then was in the log before the log is read.
 * @throws DfnError; the signal's reason
 */
export async function audit(parts: AuditParts): Promise<Audited> {
  const { config, settings, span, sink, workspace, missing, progress, signal } = parts;
  const stored = await storedProgress(config.stateDir);
  const extents = "list" in sink ? [] : await sink.extents(settings.topics, signal);
  const files = await filesOf(config, span);
  workspace.assertSpace(await spaceNeeded(files, extents));
  using entries = new EntryFiles(workspace);
  const names = namesOf(config, settings, stored);
  const letters = new DeadLetterSide(names);
  const days = new LogDays();
  const result = new AuditResult(names, (second) => days.isDoubtful(second));
  const nowhere = settings.at("", 0);
  await letters.read(
    config.stateDir,
    parts.maxLineBytes,
    (alert) => nowhere.nodeOf(alert),
    (entry) => entries.add(entry),
  );
  const log = new LogSide(settings, names, span);
  const walk = new LogWalk(parts.maxLineBytes, parts.collect);
  progress.ofFiles = files.length;
  const [oldest] = files;
  const head = oldest === undefined ? undefined : (await logOriginAt(await asItIsNow(oldest)))?.head;
  const beganMs = head === undefined ? undefined : alertTimeOf(head);
  for (const file of files) {
    signal.throwIfAborted();
    const states = new FileStates(stored, config);
    await walk.file(await asItIsNow(file), settings.filter, ({ origin, offset, length, bytes }) => {
      signal.throwIfAborted();
      const line = { file: origin.file, offset, length, bytes, stateOf: states.in(origin) };
      log.take(line, letters, (entry) => entries.add(entry));
      progress.bytes = walk.bytes;
      progress.expected = log.count;
    });
    days.read(file);
    progress.files += 1;
  }
  for (const { file, offset, text } of walk.troubles) {
    days.damaged(files.find(({ path }) => path === file || `${path}.gz` === file));
    result.unknowns.push(`${file}: read up to byte ${offset}: ${text}`);
  }
  progress.phase = "sink";
  const fromMs = span.fromMs ?? Math.min(beganMs ?? 0, (log.firstSecond ?? Number.POSITIVE_INFINITY) * 1000);
  // What is older than the log cannot be judged by it; at its beginning, lines may be a little out of order.
  if (span.fromMs !== undefined || span.toMs !== undefined) result.wholeSince = 0;
  else if (beganMs !== undefined) result.wholeSince = beganMs / 1000 + disorderSeconds;
  const kept = new SinkSide(names, { ...span, fromMs });
  const unread = await readSink(parts, kept, entries, result, extents, fromMs);
  progress.phase = "comparison";
  const isRemoved = removalTest(names, extents, unread);
  for (const block of entries.blocks()) {
    for (const one of compareBlock(block, isRemoved)) {
      result.add(block, one);
      if (one.verdict === "missing") missing?.add(block.sendKey(one.expected), block.place(one.expected));
    }
    // One part after the other, and the forwarder in between.
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
  }
  result.unknowns.push(...letters.troubles, ...unknownsOf(result, stored, config, extents));
  const { firstSecond, lastSecond } = log;
  return { result, names, files, extents, bytes: walk.bytes, firstSecond, lastSecond, notes: notesOf(kept, log) };
}

/** The files of the log that may have alerts of the span, oldest first. */
async function filesOf(config: Config, span: TimeSpan): Promise<readonly LogFile[]> {
  const path = alertsPath(config);
  const archives = await archivesOf(path);
  const live = await liveFile(path, archives);
  const isWhole = span.fromMs === undefined && span.toMs === undefined;
  const wanted = isWhole ? archives : searchGroups(archives, "", span, Date.now()).flat();
  const files: LogFile[] = wanted.toSorted((one, other) => one.name.rank - other.name.rank);
  const isThere = (await statIfPresent(path).catch(() => undefined)) !== undefined;
  if (live.name === undefined && (isThere || archives.length === 0)) files.push(live);
  return files;
}

/** An archive may have been compressed since it was listed. */
export async function asItIsNow(file: LogFile): Promise<LogFile> {
  if (file.compressed || file.name === undefined) return file;
  const isThere = (await statIfPresent(file.path).catch(() => undefined)) !== undefined;
  return isThere ? file : { ...file, path: `${file.path}.gz`, compressed: true };
}

/** About as many bytes as the entries will take. */
async function spaceNeeded(files: readonly LogFile[], extents: readonly TopicExtent[]): Promise<number> {
  let bytes = 0;
  for (const { path, compressed } of files) {
    const size = (await statIfPresent(path).catch(() => undefined))?.size ?? 0;
    bytes += compressed ? size * compressionFactor : size;
  }
  const lines = bytes / alertBytes;
  const records = extents
    .flatMap(({ partitions }) => partitions)
    .reduce((sum, { first, next }) => sum + next - first, 0);
  return Math.ceil(entryBytes * (Math.min(lines, 2 * records) + Math.min(records, 2 * lines)));
}

/** What the forwarder's position says of the lines of one file. */
class FileStates {
  readonly #stored: StoredProgress;
  readonly #hasPosition: boolean;
  #states: ((offset: number, timeMs: number | undefined) => LineState) | undefined;

  constructor(stored: StoredProgress, { sources }: Config) {
    this.#stored = stored;
    this.#hasPosition = sources.tail !== undefined;
  }

  in(origin: FileOrigin): (offset: number, timeMs: number | undefined) => LineState {
    const stored = this.#stored;
    if (!this.#hasPosition || stored.kind === "unknown") return () => "done";
    if (stored.kind === "none") return () => "ahead";
    return (this.#states ??= stored.progress.statesIn(origin));
  }
}

function unknownsOf(
  { total, unjudged }: AuditResult,
  stored: StoredProgress,
  { sources, stateDir }: Config,
  extents: readonly TopicExtent[],
): readonly string[] {
  const unknowns: string[] = [];
  if (sources.tail !== undefined && stored.kind === "none")
    unknowns.push(`no forwarder has run with ${stateDir}, so nothing was sent yet that its position would show`);
  if (sources.tail !== undefined && stored.kind === "unknown")
    unknowns.push(`which lines the forwarder is done with is not known: ${stored.reason}`);
  if (total.unknown > 0) unknowns.push(...removalTexts(extents));
  if (unjudged > 0)
    unknowns.push(`${unjudged} records cannot be compared, because the log of their time could not be read whole`);
  return unknowns;
}

function notesOf({ ofOtherHandlers }: SinkSide, { broken }: LogSide): readonly string[] {
  const notes: string[] = [];
  if (ofOtherHandlers > 0) notes.push(`${ofOtherHandlers} records of handlers that are off today were left out`);
  if (broken > 0) notes.push(`${broken} pieces of the log are not alerts, or are too long: wazuh-dfn dead-letter list`);
  return notes;
}
