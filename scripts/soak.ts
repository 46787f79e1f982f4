/**
 * `npm run soak`: breaks everything around the forwarder and checks that nothing is lost, made up, altered or sent twice.
 * Without `--each` or `--only` it is a mixture, drawn from the seed. Ends with 1 when a promise is broken.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describe } from "../daemon/errors.ts";
import { seededRandom } from "../test/rig/random.ts";
import { faults, lacks } from "../test/soak/catalogue.ts";
import type { Fault } from "../test/soak/fault.ts";
import { Ground } from "../test/soak/ground.ts";
import { brokenOf, table, type Report } from "../test/soak/report.ts";
import { play, type Conditions, type Run } from "../test/soak/run.ts";

const help = `Usage: npm run soak -- [--seed S] [--alerts N] [--faults K] [--rate R] [--json FILE] [--each | --only NAME,NAME]

  --seed S      repeats a run (default: drawn)
  --alerts N    alerts of a mixture in all, or of each fault by name (default 300000, by name 2000)
  --faults K    faults of a mixture (default 60)
  --rate R      alerts a second (default 900, by name 500)
  --only NAMES  these faults, each on a manager and a topic of its own
  --each        every fault once, the same way
  --json FILE   the report as JSON
  --logs DIR    keeps the forwarder's logs there, a file a fault
  --list        names of the faults
`;

try {
  await main();
} catch (reason) {
  process.stderr.write(
    `npm run soak: ${reason instanceof Error ? (reason.stack ?? reason.message) : describe(reason)}\n`,
  );
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      alerts: { type: "string" },
      faults: { type: "string" },
      rate: { type: "string" },
      only: { type: "string", multiple: true },
      each: { type: "boolean", default: false },
      json: { type: "string" },
      logs: { type: "string" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(help);
  if (values.list) return void process.stdout.write(faults.map(({ name, what }) => `${name}: ${what}\n`).join(""));
  const seed = numberOf(values.seed) ?? Math.floor(Math.random() * 1_000_000);
  const named = chosen(
    values.only?.flatMap((names) => names.split(",")),
    values.each,
  );
  const alerts = numberOf(values.alerts) ?? (named === undefined ? 300_000 : 2000);
  const rate = numberOf(values.rate) ?? (named === undefined ? 900 : 500);
  const started = performance.now();
  if (values.logs !== undefined) mkdirSync(values.logs, { recursive: true });
  say(`seed ${seed}`);
  await using ground = await Ground.create();
  const possible = (named ?? faults).filter((fault) => lacks(ground, fault) === undefined);
  const notMade = Object.fromEntries(
    (named ?? faults).flatMap((fault) => {
      const reason = lacks(ground, fault);
      return reason === undefined ? [] : [[fault.name, reason]];
    }),
  );
  const conditions = (name: string): Conditions => ({
    seed,
    alerts,
    rate,
    ...(values.logs !== undefined && { logFile: join(values.logs, `${name}.log`) }),
  });
  const runs: Run[] = [];
  const add = (run: Run): void => {
    runs.push(run);
    for (const one of brokenOf(run)) say(`  BROKEN ${one}`);
  };
  if (named === undefined) {
    const mixture = drawn(possible, numberOf(values.faults) ?? 60, seed);
    add(await play(ground, mixture, conditions("mixture"), say));
  } else {
    for (const fault of possible) {
      add(await play(ground, [fault], conditions(fault.name), say));
    }
  }
  const tookSeconds = Math.round((performance.now() - started) / 1000);
  const command = `npm run soak -- ${process.argv.slice(2).join(" ")}`;
  const report: Report = { command, seed, rate, tookSeconds, runs, notMade, broken: runs.flatMap(brokenOf) };
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, undefined, 1)}\n`);
  process.stdout.write(table(report));
  if (report.broken.length > 0) process.exitCode = 1;
}

function chosen(names: readonly string[] | undefined, isEach: boolean): readonly Fault[] | undefined {
  if (names === undefined) return isEach ? faults : undefined;
  return names.map((name) => {
    const fault = faults.find((one) => one.name === name);
    if (fault === undefined) throw new Error(`there is no fault ${name}; --list names them`);
    return fault;
  });
}

/** Each fault comes about equally often, in an order of the seed's. */
function drawn(possible: readonly Fault[], count: number, seed: number): Fault[] {
  const random = seededRandom(seed ^ 0x50a4);
  const mixable = possible.filter(({ isAlone }) => isAlone !== true);
  const draws: Fault[] = [];
  while (draws.length < count) {
    const round = mixable.map((fault) => ({ fault, at: random() })).toSorted((a, b) => a.at - b.at);
    draws.push(...round.map(({ fault }) => fault));
  }
  return draws.slice(0, count);
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`${text} is no positive number`);
  return number;
}

function say(line: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}
