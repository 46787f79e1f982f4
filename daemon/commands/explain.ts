import { existsSync } from "node:fs";
import type { Config } from "../config/schema.ts";
import { describe, DfnError, exitCodes } from "../errors.ts";
import { Accountant } from "../explain/alert-account.ts";
import { LineWhereabouts } from "../explain/line-whereabouts.ts";
import { storedProgress } from "../explain/log-progress.ts";
import { alertsPath } from "../explain/manager-log.ts";
import { SettingsOfTime } from "../explain/settings-of-time.ts";
import { isDelivered, whereabouts, type Whereabouts, type WhereaboutsParts } from "../explain/whereabouts.ts";
import { statIfPresent } from "../disk/file-stat.ts";
import { createHandlers } from "../handlers/registry.ts";
import { printable, toPrintableJson } from "../printable.ts";
import { SettingsHistory } from "../proof/settings-history.ts";
import { createSink } from "../sink-kinds/registry.ts";
import { noTelemetry } from "../sinks/kafka/connection/telemetry.ts";
import { become, ownerOfStateDir } from "../state/owner.ts";
import { silentLog } from "../telemetry/log.ts";
import { readNodeIdentity } from "../wazuh/node.ts";
import {
  type Command,
  configOptions,
  configOptionsHelp,
  type Io,
  loadConfig,
  maxLineBytes,
  parseCommandLine,
} from "./command.ts";
import { type ExplainQuery, type Matches, matchesOfFile, matchesOfId, maxMatches, queryOf } from "./explain-matches.ts";
import { explanationText, stateWords } from "./explain-text.ts";
import { beLowPriority, longestRest } from "./low-priority.ts";
import { keepMemorySmall } from "./memory.ts";
import { placeNamed, replayInputs } from "./replay-inputs.ts";
import { askStatus } from "./status-client.ts";
import { usageError } from "./command-line.ts";
import { timeOption } from "./time-option.ts";

/** A forwarder that is alive answers at once. */
const answerWithinMs = 2000;

export const explainCommand: Command = {
  name: "explain",
  summary: "says why an alert was sent or not, step by step, and where it is",
  usage: `Finds an alert and shows step by step what the forwarder makes of it: where it is stored, whether it was looked at,
each handler with each of its conditions and the value that decided, the record, and where that is now. Changes
nothing, needs no running forwarder, and goes by the settings of today; where the forwarder publishes manifests, it also
shows what the settings made of it with which it was read, if that is something else.

Usage: wazuh-dfn explain [options] ID
       wazuh-dfn explain [options] FILE:OFFSET
       wazuh-dfn explain [options] --file FILE
       wazuh-dfn explain [options] -

  ID                  an alert's id, or sha256:... for one without: it is looked for in alerts.json and in the archives
                      of its day and the days before and after; if it is not there, of seven days around
  FILE:OFFSET         the line that begins at this byte of a file's (decompressed) content, as errors name it
  --file FILE         the alerts of a file, plain or compressed; the first ${maxMatches} of them
  -                   the alerts of standard input
  --from TIME         search the archives of all days from this time on, for instance 2026-11-21
  --to TIME           search the archives of all days up to this time
  --node NODE         only alerts of this node
  --nth N             only the Nth of several
  --json              as one JSON object
${configOptionsHelp}
Exit code: 0 if the record of an alert that was found is or would be acknowledged; 1 if none is: it is ignored, a dead
letter, or was there before the first start; 66 if no such alert was found.
`,
  async run(args, io) {
    const options = {
      ...configOptions,
      file: { type: "string" },
      from: { type: "string" },
      to: { type: "string" },
      node: { type: "string" },
      nth: { type: "string" },
      json: { type: "boolean", default: false },
    } as const;
    const { values, positionals } = parseCommandLine(explainCommand, args, options, { min: 0, max: 1 });
    const query = queryFrom(positionals[0], values.file);
    const span = {
      fromMs: timeOption(explainCommand, "from", values.from),
      toMs: timeOption(explainCommand, "to", values.to),
    };
    if (query.kind !== "id" && (values.from ?? values.to) !== undefined)
      throw usage("--from and --to are for the search of an ID");
    const selection = { node: values.node, nth: numberOf(values.nth) };
    beLowPriority(longestRest.awaited);
    keepMemorySmall();
    const config = loadConfig(values, io);
    await using sink = openSink(config, io);
    const owner = ownerOfStateDir(config.stateDir, { isWritten: false });
    const [input] =
      query.kind === "id" ? [] : replayInputs([query.kind === "place" ? query : { ...query, from: 0 }], owner);
    become(owner);
    const handlers = createHandlers(config.dfn, config.handlers);
    const { fallbackName } = readNodeIdentity(config.wazuh.home);
    const lineBytes = maxLineBytes(config);
    const kept = await keptSettings(config, io);
    const accountant = new Accountant({
      handlers,
      fallbackNode: fallbackName,
      maxLineBytes: lineBytes,
      keptAt: (file, offset) => {
        const found = kept.keptAt(file, offset);
        return found && { since: found.since, handlers: found.trial.handlers };
      },
    });
    const parts = { accountant, config, maxLineBytes: lineBytes };
    const found =
      query.kind === "id" || input === undefined
        ? await matchesOfId(query.kind === "id" ? query.id : "", span, selection, parts)
        : await matchesOfFile(input, query.kind === "place" ? query.from : undefined, selection, parts);
    const asked: WhereaboutsParts = {
      stateDir: config.stateDir,
      fallbackNode: fallbackName,
      topics: kept.topics,
      maxLineBytes: lineBytes,
      line: await lineWhereabouts(config),
      find: sink.find,
    };
    const explained = found.accounts.length === 0 ? [] : await whereabouts(found.accounts, asked);
    report(explained, found, query, values.json, io);
    if (explained.length === 0) return exitCodes.NOT_FOUND;
    return explained.some(isDelivered) ? 0 : 1;
  },
};

function queryFrom(operand: string | undefined, file: string | undefined): ExplainQuery {
  if (file !== undefined) {
    if (operand !== undefined) throw usage("--file FILE is instead of an ID");
    return { kind: "file", path: file };
  }
  if (operand === undefined) throw usage("name an ID, a FILE:OFFSET, --file FILE or -");
  const query = queryOf(operand);
  return query.kind === "place" ? { kind: "place", ...placeNamed(query.path) } : query;
}

/** With the settings of former times, where the forwarder kept them: it does with manifests. */
async function keptSettings(config: Config, io: Io): Promise<SettingsOfTime> {
  try {
    return new SettingsOfTime(config, maxLineBytes(config), await new SettingsHistory(config.stateDir).read());
  } catch (reason) {
    const today = new SettingsOfTime(config, maxLineBytes(config));
    io.stderr.write(`${printable(`${describe(reason)}; all is explained by today's settings alone`)}\n`);
    return today;
  }
}

/** The sink to search, or why it cannot be: then everything else is still explained. */
function openSink({ sink: settings }: Config, io: Io): Pick<WhereaboutsParts, "find"> & AsyncDisposable {
  try {
    const { sink, find } = createSink(settings, { env: io.env, log: silentLog, telemetry: noTelemetry });
    return { find, [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose]() };
  } catch (reason) {
    if (!(reason instanceof DfnError)) throw reason;
    const unusable = `the sink cannot be searched: ${reason.message}`;
    return { find: { unusable }, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
}

async function lineWhereabouts(config: Config): Promise<LineWhereabouts> {
  const live = await statIfPresent(alertsPath(config)).catch(() => undefined);
  const stored = await storedProgress(config.stateDir);
  const snapshot = await askStatus(config.status.listen, answerWithinMs).catch((reason: unknown) => {
    if (reason instanceof DfnError) return undefined; // None is running.
    throw reason;
  });
  return new LineWhereabouts(config.sources.tail, stored, snapshot?.log, live?.id);
}

function report(explained: readonly Whereabouts[], found: Matches, query: ExplainQuery, asJson: boolean, io: Io): void {
  const { hasMore, files, bytes, troubles, where } = found;
  if (asJson) {
    const searched = { where, files, bytes, troubles, hasMore };
    io.stdout.write(`${toPrintableJson({ query, matches: explained.map(asJsonObject), searched }, 2)}\n`);
  } else {
    const count = explained.length;
    io.stdout.write(explained.map((one, at) => explanationText(one, { index: at + 1, count })).join("\n"));
  }
  for (const { file, offset, text } of troubles) {
    io.stderr.write(`${printable(`${file}: searched up to byte ${offset}: ${text}`)}\n`);
  }
  if (hasMore) io.stderr.write(`there are more than ${maxMatches}; choose one with --node and --nth\n`);
  if (explained.length > 0) return;
  const what = query.kind === "id" ? `no alert ${query.id} (or none that --node and --nth name)` : "no such alert";
  const isFile = query.kind === "id" && existsSync(query.id);
  const hint = isFile
    ? "; to explain the alerts of a file: --file FILE"
    : "; to search other days: --from TIME --to TIME";
  const more = query.kind === "id" ? hint : "";
  io.stderr.write(
    `${printable(`wazuh-dfn: ${what} in ${where}: ${files} ${files === 1 ? "file" : "files"}, ${bytes} bytes were searched${more}`)}\n`,
  );
}

function asJsonObject({ account, states, partitions }: Whereabouts) {
  const { line, handlers, ...rest } = account;
  const { origin: _origin, isOverLong, ...place } = line;
  return {
    ...rest,
    place: { ...place, file: place.file === "-" ? null : place.file, isOverLong },
    handlers: handlers.map(({ record, ...handler }) => ({
      ...handler,
      ...(record !== undefined && { record: { ...record, partition: partitions.get(handler.handler) ?? null } }),
    })),
    now: states.length === 0 ? [{ state: "ignored" }] : states.map((one) => ({ ...one, state: stateWords[one.state] })),
  };
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw usage(`--nth: "${text}" is not a number from 1 on`);
  return Number(text);
}

function usage(sentence: string): DfnError {
  return usageError(explainCommand, sentence);
}
