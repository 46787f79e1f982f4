import { nearest } from "../../config/nearest.ts";
import { describe, DfnError, exitCodes } from "../../errors.ts";
import { markAcknowledged } from "../../dead-letters/acknowledgements.ts";
import { markRemoved } from "../../dead-letters/tombstones.ts";
import { deadLetterDirectory } from "../../dead-letters/store.ts";
import { createSink } from "../../sink-kinds/registry.ts";
import { printable, toPrintableJson } from "../../printable.ts";
import { noTelemetry } from "../../sinks/kafka/connection/telemetry.ts";
import { becomeOwnerOf } from "../../state/owner.ts";
import { createLog } from "../../telemetry/log.ts";
import {
  type Command,
  configOptions,
  configOptionsHelp,
  type Io,
  loadConfig,
  maxLineBytes,
  parseCommandLine,
} from "../command.ts";
import { resend, type Resent } from "./replay.ts";
import {
  assertAllThere,
  changing,
  type Choice,
  type Look,
  Markings,
  select,
  unreadableStore,
} from "../../dead-letters/reader.ts";
import { listed, listHead, listLine, shown } from "./text.ts";
import { usageError } from "../command-line.ts";
import { timeOption } from "../time-option.ts";

const actions = ["list", "show", "replay", "purge", "ack"];

export const deadLetter: Command = {
  name: "dead-letter",
  summary: "lists, shows, replays, removes or acknowledges what could not be delivered",
  usage: `Manages the dead letters: alerts that no retry could deliver, and lines that are
not alerts. Works while the forwarder runs.

Usage: wazuh-dfn dead-letter list [--json]
       wazuh-dfn dead-letter show ID... [--json]
       wazuh-dfn dead-letter replay ID...|--all [--json]
       wazuh-dfn dead-letter purge ID...|--all|--before TIME [--json]
       wazuh-dfn dead-letter ack ID...|--all [--json]

As long as the store has an entry that is not acknowledged, the forwarder is
degraded.

  list      one line for each entry, oldest first
  show      everything known about entries, with the alert itself
  replay    sends entries again, once their cause is fixed; those that Kafka
            acknowledges are removed, the others stay
  purge     removes entries
  ack       marks entries as known: they stay in the store, and the forwarder
            is no longer degraded because of them

  --all               every entry
  --before TIME       entries older than TIME, for instance 2026-11-21T03:00:00+01:00
  --json              as JSON
${configOptionsHelp}
Exit code: 0, or 65 if an ID does not exist or entries could not be sent again.
`,
  async run(args, io) {
    const options = {
      ...configOptions,
      json: { type: "boolean", default: false },
      all: { type: "boolean", default: false },
      before: { type: "string" },
    } as const;
    const { values, positionals } = parseCommandLine(deadLetter, args, options, { min: 1, max: 10_000 });
    const [action = "", ...ids] = positionals;
    if (!actions.includes(action)) throw unknownAction(action);
    const choice = choose(action, { ids, all: values.all, before: values.before });
    const config = loadConfig(values, io);
    const log = createLog(config.log.level);
    const directory = deadLetterDirectory(config.stateDir);
    // Reads keys and passwords, which root alone may be able to.
    const setup = { env: io.env, log, telemetry: noTelemetry };
    await using sink = action === "replay" ? createSink(config.sink, setup).sink : undefined;
    becomeOwnerOf(config.stateDir);
    const look: Look = {
      maxRawBytes: maxLineBytes(config),
      foreign: (_path, reason) => io.stderr.write(`skipped: ${printable(describe(reason))}\n`),
    };
    try {
      if (choice.kind === "ids") await assertAllThere(directory, choice.ids);
      if (action === "list") return await list(directory, look, io, values.json);
      if (action === "show") return await show(directory, choice, look, io, values.json);
      if (action === "ack") {
        const acknowledged = (await changing(directory, log, () => acknowledge(directory, choice, look))) ?? 0;
        io.stdout.write(values.json ? `${toPrintableJson({ acknowledged })}\n` : `acknowledged ${acknowledged}\n`);
        return 0;
      }
      if (sink === undefined) {
        const removed = (await changing(directory, log, () => purge(directory, choice, look))) ?? 0;
        io.stdout.write(values.json ? `${toPrintableJson({ removed })}\n` : `removed ${removed}\n`);
        return 0;
      }
      const resent = await changing(directory, log, () => resend(config, sink, select(directory, choice, look)));
      return print(resent ?? { acknowledged: 0, kept: [] }, io, values.json);
    } catch (reason) {
      throw unreadableStore(directory, reason);
    }
  },
};

async function list(directory: string, look: Look, io: Io, asJson: boolean): Promise<number> {
  let count = 0;
  let acknowledged = 0;
  let bad = 0;
  // Of the alerts themselves only the sizes are shown.
  const sizes = { ...look, maxRawBytes: 0, bad: () => (bad += 1) };
  for await (const stored of select(directory, { kind: "all" }, sizes)) {
    const before = count === 0 ? "[" : ",";
    const line = asJson
      ? `${before}\n${toPrintableJson(listed(stored))}`
      : `${count === 0 ? `${listHead}\n` : ""}${listLine(stored)}\n`;
    io.stdout.write(line);
    count += 1;
    if (stored.isAcknowledged) acknowledged += 1;
  }
  if (asJson) io.stdout.write(count === 0 ? "[]\n" : "\n]\n");
  else {
    const known = acknowledged === 0 ? "" : `, ${acknowledged} of them acknowledged`;
    io.stdout.write(count === 0 ? "no dead letters\n" : `${count} dead letter${count === 1 ? "" : "s"}${known}\n`);
  }
  if (bad > 0)
    io.stderr.write(
      `${bad} lines of the store cannot be read; to remove them too: wazuh-dfn dead-letter purge --all\n`,
    );
  return 0;
}

async function show(directory: string, choice: Choice, look: Look, io: Io, asJson: boolean): Promise<number> {
  for await (const stored of select(directory, choice, look)) {
    const { id, letter, isAcknowledged: acknowledged } = stored;
    io.stdout.write(asJson ? `${toPrintableJson({ id, ...letter, acknowledged })}\n` : shown(stored));
  }
  return 0;
}

async function purge(directory: string, choice: Choice, look: Look): Promise<number> {
  const removals = new Markings(markRemoved);
  let count = 0;
  const remove = (segment: string, number: number): void => {
    removals.add({ segment, number });
    count += 1;
  };
  const bad = choice.kind === "all" ? { bad: remove } : {};
  for await (const { segment, number } of select(directory, choice, { ...look, maxRawBytes: 0, ...bad })) {
    remove(segment, number);
  }
  await removals.done();
  return count;
}

/** @returns how many entries were not acknowledged before */
async function acknowledge(directory: string, choice: Choice, look: Look): Promise<number> {
  const acknowledgements = new Markings(markAcknowledged);
  let count = 0;
  for await (const stored of select(directory, choice, { ...look, maxRawBytes: 0 })) {
    if (stored.isAcknowledged) continue;
    acknowledgements.add(stored);
    count += 1;
  }
  await acknowledgements.done();
  return count;
}

function print({ acknowledged, kept }: Resent, io: Io, asJson: boolean): number {
  if (asJson) io.stdout.write(`${toPrintableJson({ acknowledged, kept })}\n`);
  else {
    for (const { id, reason } of kept) io.stdout.write(`${printable(`${id} stays: ${reason}`)}\n`);
    io.stdout.write(`acknowledged and removed ${acknowledged}, kept ${kept.length}\n`);
  }
  return kept.length > 0 ? exitCodes.DATA : 0;
}

function choose(
  action: string,
  { ids, all, before }: { readonly ids: readonly string[]; readonly all: boolean; readonly before: string | undefined },
): Choice {
  const given = [ids.length > 0, all, before !== undefined].filter(Boolean).length;
  if (action === "list") {
    if (given > 0) throw usage("list lists every entry and takes neither ID, --all nor --before");
    return { kind: "all" };
  }
  if (action === "show" && (given !== 1 || ids.length === 0)) throw usage("show needs the ID of one or more entries");
  if ((action === "replay" || action === "ack") && before !== undefined)
    throw usage(`${action} does not take --before`);
  if (given !== 1) {
    const ways = action === "purge" ? "IDs, --all or --before" : "IDs or --all";
    throw usage(`${action} needs to know which entries: give one of ${ways}`);
  }
  if (all) return { kind: "all" };
  const timeMs = timeOption(deadLetter, "before", before);
  return timeMs === undefined ? { kind: "ids", ids: new Set(ids) } : { kind: "before", timeMs };
}

function usage(sentence: string): DfnError {
  return usageError(deadLetter, sentence);
}

function unknownAction(action: string): DfnError {
  const meant = nearest(action, actions);
  const hint = meant === undefined ? `there are: ${actions.join(", ")}` : `did you mean ${meant}?`;
  return new DfnError("USAGE", `dead-letter: there is no "${action}"; ${hint}`);
}
