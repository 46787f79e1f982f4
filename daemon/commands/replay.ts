import { once } from "node:events";
import { dirname } from "node:path";
import { readTimestamp } from "../config/timestamp.ts";
import { Alert } from "../alert/alert.ts";
import type { NewDeadLetter } from "../delivery/dead-letters.ts";
import { describe, DfnError, exitCodes } from "../errors.ts";
import { createBooks } from "../forwarder/books.ts";
import { createCore, openDeadLetters, type Core } from "../forwarder/core.ts";
import { createSink } from "../forwarder/sink.ts";
import { noTelemetry } from "../sinks/kafka/telemetry.ts";
import { StreamSink } from "../sinks/stream.ts";
import { replayFile, type ReplayIntake, type ReplayProgress } from "../sources/replay.ts";
import type { Counts, SourceCounters } from "../telemetry/counters.ts";
import { become, ownerOf } from "../state/owner.ts";
import { createLog, type Log } from "../telemetry/log.ts";
import {
  type Command,
  configOptions,
  configOptionsHelp,
  loadConfig,
  maxLineBytes,
  parseCommandLine,
} from "./command.ts";
import { replayInputs } from "./replay-inputs.ts";
import { showProgress } from "./replay-progress.ts";

export const replay: Command = {
  name: "replay",
  summary: "sends the relevant alerts of files",
  usage: `Sends the relevant alerts of files through the same handlers to the same sink, and ends when all are acknowledged.
Alerts that were sent before are sent again: name the time with --from and --to.

Usage: wazuh-dfn replay [options] FILE...

  FILE                plain or gzip; - for standard input
  --from TIME         alerts from this time on, for instance 2026-11-21T03:00:00+01:00
  --to TIME           alerts before this time
  --dry-run           write the records to standard output, one JSON object a line, and send nothing
  --json              the summary as a JSON object
${configOptionsHelp}`,
  async run(args, io) {
    const options = {
      ...configOptions,
      from: { type: "string" },
      to: { type: "string" },
      "dry-run": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    } as const;
    const { values, positionals } = parseCommandLine(replay, args, options, { least: 1, most: 10_000 });
    const config = loadConfig(values, io);
    const log = createLog(config.log.level);
    const span = { fromMs: timeOf("from", values.from), toMs: timeOf("to", values.to) };
    const isDry = values["dry-run"];
    // What root alone may read is read and opened first: secrets by the sink, then the files. A dry run touches no state.
    const books = createBooks();
    const stdout = new StreamSink(io.stdout);
    await using sink = isDry ? stdout : createSink(config, io.env, log, noTelemetry);
    const owner = isDry ? undefined : ownerOf(config.stateDir, { isWritten: true });
    const inputs = replayInputs(positionals, owner);
    become(owner, config.sink.kind === "file" ? [dirname(config.sink.path)] : []);
    await using store = openDeadLetters(config, log);
    const deadLetters = isDry ? reportOnly(log) : store;
    const parts = { config, sink, deadLetters, books, couples: undefined, offsets: undefined, feedback: undefined };
    const core = createCore(parts);
    const intake = intakeOf(core, books.replay, span);
    const progress: ReplayProgress = { bytes: 0 };
    const stopProgress = await showProgress(io.stderr, positionals, () => ({
      ...progress,
      ...books.replay.snapshot(),
    }));
    try {
      sink.open();
      core.shipper.begin(await sink.lookup(core.topics, {}));
      for (const { path, open } of inputs) await replayFile(path, maxLineBytes(config), intake, progress, open);
      core.outbox.flush();
      await Promise.race([core.shipper.idle(), ...(isDry ? [once(stdout.closed, "abort")] : [])]);
    } finally {
      stopProgress();
      core.shipper.dispose();
      core.outbox.dispose();
      // The records of a dry run have standard output for themselves.
      (isDry ? io.stderr : io.stdout).write(summaryOf(books.replay.snapshot(), values.json));
    }
    return books.replay.deadLettered > 0 ? exitCodes.DATA : 0;
  },
};

/** Milliseconds since 1970; undefined: no bound. */
interface Span {
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
}

/** The end of a replay asks the shipper, not each line. */
const counted = { settled: () => undefined };

function intakeOf(core: Core, counters: SourceCounters, span: Span): ReplayIntake {
  return {
    next: (bytes, from, end) => core.relevance.next(bytes, from, end),
    ignored: (lines) => counters.passedBy(lines),
    deliver(bytes, place) {
      if (isOutside(bytes, span)) counters.passedBy(1);
      else core.pipeline.offer({ source: "replay", bytes, place, owner: counted });
    },
    overLong: (head, place) => core.pipeline.damaged("replay", "over-long", place, head, counted),
    room: () => core.budget.room(),
  };
}

/** An alert whose time cannot be told is inside: it is sent rather than lost. */
function isOutside(bytes: Buffer, { fromMs, toMs }: Span): boolean {
  if (fromMs === undefined && toMs === undefined) return false;
  let timeMs: number;
  try {
    timeMs = Date.parse(Alert.parse(bytes).timestamp ?? "");
  } catch {
    return false; // No alert: the pipeline says so and keeps its bytes.
  }
  return (fromMs !== undefined && timeMs < fromMs) || (toMs !== undefined && timeMs >= toMs);
}

function timeOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  try {
    return readTimestamp(text).getTime();
  } catch (reason) {
    throw new DfnError("USAGE", `replay: --${option}: ${describe(reason)}`, { cause: reason });
  }
}

/** What a dry run does with a line that is no alert: it says so and keeps nothing. */
function reportOnly(log: Log): { add(entry: NewDeadLetter): Promise<void> } {
  return {
    async add({ reason, detail, place }) {
      log.warn({ reason, detail, place }, "would be kept as a dead letter");
    },
  };
}

function summaryOf(counts: Counts, asJson: boolean): string {
  const summary = {
    read: counts.read,
    relevant: counts.read - counts.ignored,
    acknowledged: counts.acknowledged,
    deadLetters: counts.deadLettered,
  };
  if (asJson) return `${JSON.stringify(summary)}\n`;
  const { read, relevant, acknowledged, deadLetters } = summary;
  return `read ${read}, relevant ${relevant}, acknowledged ${acknowledged}, dead letters ${deadLetters}\n`;
}
