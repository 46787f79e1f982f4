import { z } from "zod";
import { statusSocketOf } from "../../config/status-address.ts";
import { readDuration } from "../../config/values/units.ts";
import { InvalidValue } from "../../config/values/problem.ts";
import { nearest } from "../../config/nearest.ts";
import { sourceDefinitions } from "../../contract.ts";
import { tapVerdicts } from "../../delivery/tap.ts";
import { describe, DfnError } from "../../errors.ts";
import { createHandlers } from "../../handlers/registry.ts";
import { printable, toPrintableJson } from "../../printable.ts";
import { answerParts } from "../../sink-kinds/definition.ts";
import { becomeOwnerOf } from "../../state/owner.ts";
import { tapFilterOf } from "../../status/tap-route.ts";
import { configOptions, configOptionsHelp, loadConfig, parseCommandLine, type Command } from "../command.ts";
import { say } from "../say.ts";
import { followEvents } from "./stream.ts";

/** How often it is said that not all are shown, in milliseconds. */
const sayEveryMs = 10_000;
const dayMs = 86_400_000;

export const tap: Command = {
  name: "tap",
  summary: "shows alerts as they flow by, and what becomes of each and why",
  usage: `Shows what flows by right now and what becomes of it, with the reason, a line for
each alert: sent, ignored, paired (a second copy) or dead (a dead letter). Above
100 a second it shows a sample, and says so. It asks on the Unix socket of the status,
because it shows contents of alerts. Ctrl-C ends it.

Usage: wazuh-dfn tap [--config FILE] [--set NAME=VALUE]... [--verdict VERDICT]
                     [--source SOURCE] [--handler HANDLER] [--field PATH=VALUE]...
                     [--count N] [--for DURATION] [--json]

${configOptionsHelp}  --verdict VERDICT   only ${tapVerdicts.join(", ")}
  --source SOURCE     only alerts from ${Object.keys(sourceDefinitions).join(", ")}
  --handler HANDLER   only those that this handler made a record of: sent or dead
  --field PATH=VALUE  only alerts with this value, such as rule.id=5710; may be repeated
  --count N           ends after N alerts
  --for DURATION      ends after this time, such as 30s or 5m
  --json              each alert as a JSON object on a line

Exit code: 0; 69 if no forwarder answers, or when it ends.
`,
  async run(args, io) {
    const { values } = parseCommandLine(tap, args, {
      ...configOptions,
      verdict: { type: "string" },
      source: { type: "string" },
      handler: { type: "string" },
      field: { type: "string", multiple: true, default: [] },
      count: { type: "string" },
      for: { type: "string" },
      json: { type: "boolean", default: false },
    });
    const query = queryOf(values);
    const limit = { count: readCount(values.count), forMs: readFor(values.for) };
    const config = loadConfig(values, io);
    if (values.handler !== undefined) {
      const names = createHandlers(config.dfn, config.handlers).map(({ name }) => name);
      if (!names.includes(values.handler)) throw unknownHandler(values.handler, names);
    }
    becomeOwnerOf(config.stateDir);

    const ended = new AbortController();
    const end = (): void => ended.abort();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
    const timer = limit.forMs === undefined ? undefined : setTimeout(end, limit.forMs);
    let shown = 0;
    let saidAt = Number.NEGATIVE_INFINITY;
    let refused: DfnError | undefined;
    const taken = (event: string, data: string): void => {
      if (ended.signal.aborted) return;
      if (event === "alert") {
        const alert = alertOf(data);
        io.stdout.write(values.json ? `${toPrintableJson(alert)}\n` : `${lineOf(alert)}\n`);
        shown += 1;
        if (shown === limit.count) end();
      } else if (event === "listening") say(io.stderr, "listening; Ctrl-C ends it");
      else if (event === "sampled" && performance.now() - saidAt >= sayEveryMs) {
        saidAt = performance.now();
        say(io.stderr, "more alerts come than can be shown: this is a sample of them");
      } else if (event === "error") {
        refused = new DfnError("USAGE", `tap: ${data}`);
        end();
      }
    };
    try {
      await followEvents(statusSocketOf(config).path, `/tap?${query.toString()}`, taken, ended.signal);
    } finally {
      clearTimeout(timer);
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, end);
    }
    if (refused !== undefined) throw refused;
    return 0;
  },
};

interface Chosen {
  readonly verdict?: string | undefined;
  readonly source?: string | undefined;
  readonly handler?: string | undefined;
  readonly field: readonly string[];
}

/** @throws DfnError USAGE */
function queryOf({ verdict, source, handler, field }: Chosen): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ verdict, source, handler }))
    if (value !== undefined) query.set(name, value);
  for (const one of field) query.append("field", one);
  try {
    tapFilterOf(query);
  } catch (reason) {
    throw new DfnError("USAGE", `tap: ${describe(reason)}`, { cause: reason });
  }
  return query;
}

function unknownHandler(written: string, names: readonly string[]): DfnError {
  const meant = nearest(written, names);
  const hint = meant === undefined ? `there are ${names.join(", ")}` : `did you mean ${meant}?`;
  return new DfnError("USAGE", `tap: no handler is called ${written}; ${hint}`);
}

/** @throws DfnError USAGE */
function readCount(written: string | undefined): number | undefined {
  if (written === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(written)) return Number(written);
  throw new DfnError("USAGE", `tap: --count ${written}: use a whole number from 1`);
}

/** @returns milliseconds @throws DfnError USAGE */
function readFor(written: string | undefined): number | undefined {
  if (written === undefined) return undefined;
  try {
    return readDuration(written, { least: 1, most: 7 * dayMs });
  } catch (reason) {
    if (!(reason instanceof InvalidValue)) throw reason;
    throw new DfnError("USAGE", `tap: --for ${reason.message}`, { cause: reason });
  }
}

const { text, word, number } = answerParts;
const shape = z.looseObject({
  time: word,
  verdict: word,
  reason: text,
  source: word,
  file: text,
  offset: number,
  id: text.optional(),
  agentId: text.optional(),
  agentName: text.optional(),
  ruleId: text.optional(),
  level: number.optional(),
  description: text.optional(),
});
type Shown = z.infer<typeof shape>;

/** Whoever answers on the socket may no longer be the forwarder. @throws Error when it is not an alert of the tap */
function alertOf(data: string): Shown {
  const found = shape.safeParse(JSON.parse(data));
  if (!found.success) throw new Error("what answers there is not wazuh-dfn, or another version of it");
  return found.data;
}

function lineOf({
  time,
  verdict,
  source,
  id,
  agentId,
  agentName,
  ruleId,
  level,
  description,
  reason,
  file,
  offset,
}: Shown): string {
  const about = [
    ...(agentId === undefined ? [] : [`agent ${agentId}${agentName === undefined ? "" : ` (${agentName})`}`]),
    ...(ruleId === undefined ? [] : [`rule ${ruleId}${level === undefined ? "" : ` level ${level}`}`]),
    ...(description === undefined ? [] : [description]),
  ].join(", ");
  // What has no id is found by its place.
  const name = id ?? (file === "" ? "no id" : `${file}:${offset}`);
  const head = `${time.slice(11, 19)} ${verdict.padEnd(7)} ${source.padEnd(6)} ${name}`;
  return printable(`${head}  ${about === "" ? "" : `${about}  `}- ${reason}`);
}
