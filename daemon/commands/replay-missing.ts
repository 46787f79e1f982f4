/** `replay --missing-only`: finds what the sink does not hold before anything is sent, and sends only that. */
import { statSync } from "node:fs";
import { cameMeanwhile } from "../audit/came-meanwhile.ts";
import { heldInSink, type HeldRecords } from "../audit/held-in-sink.ts";
import { LogSide } from "../audit/log-side.ts";
import { MissingRecords } from "../audit/missing-records.ts";
import { SettingsOfTime } from "../explain/settings-of-time.ts";
import { type SinkReader, unreadable } from "../audit/sink-reading.ts";
import type { TimeSpan } from "../audit/time-span.ts";
import { Workspace } from "../audit/workspace.ts";
import type { Config } from "../config/schema.ts";
import type { Owner, SourceLocation } from "../contract.ts";
import { storedProgress, type LineState } from "../explain/log-progress.ts";
import { alertsPath, originInLog } from "../explain/manager-log.ts";
import type { Core } from "../forwarder/core.ts";
import { contentOf, type Input } from "../sources/replay/content.ts";
import { replayFile, type ReplayIntake } from "../sources/replay/replay.ts";

interface MissingParts {
  readonly config: Config;
  readonly maxLineBytes: number;
  readonly span: TimeSpan;
  /** Read before anything is sent, and once more by the replay: pipes cannot be. */
  readonly inputs: readonly (Input & { readonly from: number })[];
  readonly reader: SinkReader;
  /** A list from the other side, in the place of the sink. */
  readonly list: Input | undefined;
  readonly signal: AbortSignal;
}

/** What a replay sends, and what it leaves out. */
export interface MissingOnly {
  readonly held: HeldRecords;
  /** Offers what is missing of a line, and takes it from what is. @returns whether a handler wants the line */
  readonly offer: (core: Core, bytes: Buffer, place: SourceLocation, owner: LineOwner) => boolean;
}

/** As `FileFate.owner` gives it. */
type LineOwner = Owner & { offered(isOpen: boolean): void };

/**
 * Files by their identity: a second name of a file that is named before, and a `.gz` whose plain file is named, would make
 * two lines of one.
 */
export function distinctFiles<File extends { readonly path: string; readonly from: number }>(
  named: readonly File[],
): File[] {
  const seen = new Set<string>();
  return named.filter(({ path, from }) => {
    const isTwin = path.endsWith(".gz") && named.some((other) => `${other.path}.gz` === path && other.from === from);
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    const id = found === undefined ? path : `${found.dev}:${found.ino}`;
    if (isTwin || seen.has(id)) return false;
    seen.add(id);
    return true;
  });
}

/** @throws DfnError UNAVAILABLE if the sink cannot be read, IO as `Workspace.open` */
export async function missingOnly(parts: MissingParts): Promise<MissingOnly> {
  const { config, span, reader, list, signal, maxLineBytes } = parts;
  await using workspace = await Workspace.open(config.stateDir);
  const settings = new SettingsOfTime(config, maxLineBytes);
  const missing = new MissingRecords();
  const never = { isUnfinished: () => false, withinMs: 0 };
  const sink = list === undefined ? reader : { list: contentOf({ ...list, command: "replay" }, signal, never) };
  const stored = await storedProgress(config.stateDir);
  const hasPosition = config.sources.tail !== undefined && stored.kind === "stored";
  const held = await heldInSink({
    config,
    settings,
    span,
    workspace,
    missing,
    stored,
    sink,
    signal,
    progress: { kept: 0 },
    readLines: async (take) => {
      for (const input of parts.inputs) {
        const origin = hasPosition
          ? await originInLog(input.path, alertsPath(config)).catch(() => undefined)
          : undefined;
        const states = hasPosition && origin !== undefined ? stored.progress.statesIn(origin) : undefined;
        // What was there before the first start is asked for now.
        const stateOf = (offset: number, timeMs: number | undefined): LineState =>
          states?.(offset, timeMs) === "ahead" ? "ahead" : "done";
        const intake: ReplayIntake = {
          next: (bytes, from, end) => settings.filter.next(bytes, from, end),
          ignored: () => undefined,
          deliver(bytes, { offset, length }) {
            take({ file: input.path, offset, length, bytes, stateOf });
            return settings.at(input.path, offset).judge.relevance.matches(bytes);
          },
          overLong: () => undefined,
          room: () => undefined,
        };
        // What is wrong with the file is said when it is sent.
        await replayFile(input, { maxLineBytes, from: input.from, signal }, intake, { bytes: 0 });
        signal.throwIfAborted();
      }
    },
  });
  const { names, extents } = held;
  if (held.hasUnread) unreadable(`nothing was sent: ${held.unknowns.join("; ")}`);
  if (list === undefined && missing.count > 0) {
    const came = await cameMeanwhile({ reader, settings, missing, names, extents, signal }, () => (held.held += 1));
    if (came !== undefined) unreadable(`nothing was sent: ${came}`);
  }
  const lines = new LogSide(settings, names, span);
  return { held, offer: (core, bytes, place, owner) => offerMissing(core, bytes, place, owner, lines, missing) };
}

function offerMissing(
  core: Core,
  bytes: Buffer,
  place: SourceLocation,
  owner: LineOwner,
  lines: LogSide,
  missing: MissingRecords,
): boolean {
  const records = lines.recordsOf({ file: place.file, offset: place.offset, bytes, length: bytes.length });
  const wanted = records.filter(({ key }) => missing.take(key));
  let open = wanted.length;
  const ofRecord: Owner = {
    settled(outcome, line) {
      open -= 1;
      owner.pieceSettled?.(outcome);
      if (open === 0) owner.settled(outcome, line);
    },
  };
  for (const { alert, start, handler } of wanted) {
    const own = Buffer.from(alert.bytes);
    const at = { file: place.file, offset: place.offset + start, length: own.length };
    core.pipeline.offer({ source: "replay", bytes: own, place: at, handler, owner: ofRecord });
  }
  owner.offered(wanted.length > 0);
  return records.length > 0;
}
