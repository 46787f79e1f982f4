import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { dirname } from "node:path";
import { Alert } from "../alert/alert.ts";
import type { NewDeadLetter } from "../dead-letters/store.ts";
import { usageError } from "./command-line.ts";
import { createCounters } from "../forwarder/counters.ts";
import { createCore, openDeadLetters, type Core } from "../forwarder/core.ts";
import { Resending } from "../forwarder/resending.ts";
import { createSink, sinkDefinition } from "../sink-kinds/registry.ts";
import { noTelemetry } from "../sinks/kafka/connection/telemetry.ts";
import { StreamSink } from "../sinks/stream.ts";
import { replayFile, type ReplayIntake, type ReplayProgress } from "../sources/replay/replay.ts";
import type { Counts, SourceCounters } from "../telemetry/counters.ts";
import { become, ownerOfStateDir } from "../state/owner.ts";
import { createLog, type Log } from "../telemetry/log.ts";
import {
  type Command,
  configOptions,
  configOptionsHelp,
  loadConfig,
  maxLineBytes,
  parseCommandLine,
} from "./command.ts";
import { exitCodeOf, FileFate, replaySummary } from "./replay-fate.ts";
import { distinctFiles, type MissingOnly, missingOnly } from "./replay-missing.ts";
import { placeNamed, replayInputs } from "./replay-inputs.ts";
import { showProgress } from "./replay-progress.ts";
import { say } from "./say.ts";
import { timeOption } from "./time-option.ts";

/** How long to wait for alerts in flight after SIGINT or SIGTERM. */
const stopMs = 4000;

export const replay: Command = {
  name: "replay",
  summary: "sends the relevant alerts of files again",
  usage: `Sends the relevant alerts of files through the same handlers to the same sink, and ends when all are acknowledged.
Alerts that were sent before are sent again: name the time with --from and --to, or use --missing-only.

If a file cannot be read or does not hold alerts, the others are still sent. The summary says what became of each, and the
exit code is that of the first that failed. SIGINT and SIGTERM end it early, with the summary.

Usage: wazuh-dfn replay [options] FILE...

  FILE                plain, gzip, xz, bzip2 or zstd (the last three with the system's programs); - for standard input
  --at FILE:OFFSET    the file from this byte of its content on, the start of a line; may be repeated. The
                      forwarder's errors name places in this form
  --from TIME         alerts from this time on, for instance 2026-11-21T03:00:00+01:00
  --to TIME           alerts before this time
  --missing-only      send only records that the topics do not hold; needs the operation Read on them, and files, no pipes
  --ids FILE          with --missing-only: what the other side has, in the place of the topics; one line
                      handler<TAB>node<TAB>id[<TAB>SHA-256 of the value in hex] for each record
  --dry-run           write the records to standard output, one JSON object per line, and send nothing
  --json              the summary as a JSON object
${configOptionsHelp}`,
  async run(args, io) {
    const options = {
      ...configOptions,
      at: { type: "string", multiple: true },
      from: { type: "string" },
      to: { type: "string" },
      "missing-only": { type: "boolean", default: false },
      ids: { type: "string" },
      "dry-run": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    } as const;
    const { values, positionals } = parseCommandLine(replay, args, options, { min: 0, max: 10_000 });
    const all = [...(values.at ?? []).map(placeNamed), ...positionals.map((path) => ({ path, from: 0 }))];
    if (all.length === 0) throw usageError(replay, "name at least one file");
    const isMissingOnly = values["missing-only"];
    assertMissingOnly(values, all);
    const named = isMissingOnly ? distinctFiles(all) : all;
    const config = loadConfig(values, io);
    const log = createLog(config.log.level);
    const span = { fromMs: timeOption(replay, "from", values.from), toMs: timeOption(replay, "to", values.to) };
    const isDry = values["dry-run"];
    // What only root may read is read and opened first: secrets by the sink, then the files. A dry run touches no state.
    const counters = createCounters();
    const stdout = new StreamSink(io.stdout);
    const configured = isDry ? undefined : createSink(config.sink, { env: io.env, log, telemetry: noTelemetry });
    await using sink = configured?.sink ?? stdout;
    const owner = isDry ? undefined : ownerOfStateDir(config.stateDir, { isWritten: true });
    const inputs = replayInputs(named, owner);
    const toCompare = isMissingOnly ? replayInputs(named, owner) : [];
    const [list] = values.ids === undefined ? [] : replayInputs([{ path: values.ids, from: 0 }], owner);
    become(owner, sinkDefinition(config.sink).writtenFiles(config.sink).map(dirname));
    await using store = openDeadLetters(config, log);
    const deadLetters = isDry ? reportOnly(log) : store;
    await using resending = isDry ? undefined : await Resending.begin(config, isMissingOnly ? "missing" : "replay");
    const unpaired = { pairing: undefined, offsets: undefined, feedback: undefined };
    const core = createCore({ config, sink, deadLetters, counters, account: resending?.account, ...unpaired });
    const fates = inputs.map(({ path, from }) => new FileFate(path, from));
    const counts = (): Counts => counters.replay.snapshot();
    const progress: ReplayProgress = { bytes: 0 };
    const paths = inputs.map(({ path }) => path);
    const stopProgress = await showProgress(io.stderr, paths, () => ({ ...progress, ...counts() }));
    using stop = new Stop();
    const { signal } = stop;
    let missing: MissingOnly | undefined;
    const readAll = async (): Promise<void> => {
      sink.open();
      if (isMissingOnly && configured !== undefined) {
        const reading = { config, maxLineBytes: maxLineBytes(config), span, inputs: toCompare, list, signal };
        const found = await Promise.race([missingOnly({ ...reading, reader: configured }), stop.requested]);
        if (found === undefined) return;
        missing = found;
      }
      const lookup = await Promise.race([sink.lookup(core.topics, {}), stop.requested]);
      if (lookup === undefined) return;
      core.shipper.begin(lookup);
      for (const [at, fate] of fates.entries()) {
        if (signal.aborted) break;
        const before = counts();
        const intake = intakeOf(core, counters.replay, span, fate, missing);
        const reading = { maxLineBytes: maxLineBytes(config), from: fate.from, signal };
        const end = await replayFile(inputs[at] ?? fate, reading, intake, progress);
        fate.ended(end, before, counts());
        if (end.failure !== undefined) say(io.stderr, end.failure.message);
      }
    };
    try {
      await readAll();
      core.outbox.flush();
      const given = isDry ? [once(stdout.closed, "abort")] : [];
      await Promise.race([
        core.shipper.idle(),
        ...given,
        stop.requested.then(() => sleep(stopMs, undefined, { ref: false })),
      ]);
    } finally {
      stopProgress();
      core.shipper.dispose();
      core.outbox.dispose();
      // Standard output is reserved for the records of a dry run.
      (isDry ? io.stderr : io.stdout).write(replaySummary(counts(), fates, values.json, missing?.held));
    }
    return stop.exitCode ?? exitCodeOf(counts(), fates, missing?.held);
  },
};

/** @throws DfnError USAGE */
function assertMissingOnly(
  values: { readonly "missing-only": boolean; readonly "dry-run": boolean; readonly ids?: string },
  named: readonly { readonly path: string }[],
): void {
  if (!values["missing-only"]) {
    if (values.ids !== undefined) throw usageError(replay, "--ids is for --missing-only");
    return;
  }
  if (values["dry-run"]) throw usageError(replay, "--missing-only sends, so it excludes --dry-run");
  if (values.ids === "-" || named.some(({ path }) => path === "-")) {
    throw usageError(replay, "--missing-only reads files twice, so it cannot read standard input");
  }
}

/** A first SIGINT or SIGTERM asks for the end; the next one ends the process as usual. */
class Stop implements Disposable {
  readonly #controller = new AbortController();
  readonly signal = this.#controller.signal;
  /** Resolves when a signal asks for the end. */
  readonly requested: Promise<undefined>;
  /** 128 plus the number of the signal, as in shells; undefined before. */
  exitCode: number | undefined;
  readonly #handlers = (
    [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const
  ).map(([name, code]) => {
    const handler = (): void => {
      this.exitCode = code;
      this[Symbol.dispose]();
      this.#controller.abort();
    };
    process.on(name, handler);
    return { name, handler };
  });

  constructor() {
    this.requested = new Promise((resolve) => {
      this.signal.addEventListener("abort", () => resolve(undefined), { once: true });
    });
  }

  [Symbol.dispose](): void {
    for (const { name, handler } of this.#handlers) process.removeListener(name, handler);
  }
}

/** Milliseconds since 1970; undefined: no bound. */
interface Span {
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
}

function intakeOf(
  core: Core,
  counters: SourceCounters,
  span: Span,
  fate: FileFate,
  missing: MissingOnly | undefined,
): ReplayIntake {
  return {
    next: (bytes, from, end) => core.relevance.next(bytes, from, end),
    ignored: (lines) => counters.passedBy(lines),
    deliver(bytes, place) {
      if (isOutside(bytes, span)) {
        counters.passedBy(1);
        return false;
      }
      const owner = fate.owner(place.offset);
      if (missing !== undefined) {
        const before = counters.snapshot().read;
        const isWanted = missing.offer(core, bytes, place, owner);
        if (counters.snapshot().read === before) counters.passedBy(1);
        return isWanted;
      }
      const { kind } = core.pipeline.offer({ source: "replay", bytes, place, owner });
      owner.offered(kind !== "ignored");
      return kind === "taken" || kind === "salvaged";
    },
    overLong(head, place) {
      // It becomes a dead letter, which no topic holds: whoever wants that leaves --missing-only out.
      if (missing !== undefined) return counters.passedBy(1);
      const owner = fate.owner(place.offset);
      core.pipeline.damaged("replay", "over-long", place, head, owner);
      owner.offered(true);
    },
    room: () => core.budget.room(),
  };
}

/** An alert whose time cannot be determined counts as inside: it is sent rather than lost. */
function isOutside(bytes: Buffer, { fromMs, toMs }: Span): boolean {
  if (fromMs === undefined && toMs === undefined) return false;
  let timeMs: number;
  try {
    timeMs = Date.parse(Alert.parse(bytes).timestamp ?? "");
  } catch {
    return false; // Not an alert: the pipeline reports that and keeps its bytes.
  }
  return (fromMs !== undefined && timeMs < fromMs) || (toMs !== undefined && timeMs >= toMs);
}

/** What a dry run does with a line that is not an alert: it reports that and keeps nothing. */
function reportOnly(log: Log): { add(entry: NewDeadLetter): Promise<void> } {
  return {
    async add({ reason, detail, place }) {
      log.warn({ code: "replay-dead-letter", reason, detail, place }, "would be kept as a dead letter");
    },
  };
}
