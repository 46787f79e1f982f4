/**
 * `npm run bench`: the product's figures next to what they are compared with, in one run on one machine, because
 * ratios say the same on a slow machine as on a fast one. Starts an Apache Kafka of its own.
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { numberOf, runCommand, say } from "../../scripts/command.ts";
import { compareBuilds } from "./compare/compare.ts";
import { atLeast, judge } from "./figure.ts";
import { AuditedRow } from "./rows/audited.ts";
import { CallRow } from "./rows/call.ts";
import { carryRows } from "./rows/carry-rows.ts";
import { CarryRow } from "./rows/carry.ts";
import { FootprintRow } from "./rows/footprint.ts";
import { LatencyRow } from "./rows/latency.ts";
import type { Row } from "./rows/row.ts";
import { ScanRow } from "./rows/scan.ts";
import { WatchedRow } from "./rows/watched.ts";
import { Stage } from "./stage.ts";
import { figuresTable, programsTable } from "./tables.ts";

const help = `Usage: npm run bench -- [--only c,d] [--rounds N] [--scale S] [--json FILE] [--beside DIST]
       npm run bench -- --compare DIST [--scale S]

  --only ROWS     these rows alone, by their letters (default: all)
  --rounds N      how often each row is measured; the medians count (default 5)
  --scale S       factor on the sizes of files, and below 1 on durations: 0.02 for a trial of a minute with one round
  --json FILE     the same figures, and the samples, as JSON
  --alerts N      how many alerts row k audits (default 500,000 times the scale)
  --beside DIST   measures the forwarder of another build too; DIST is its dist directory
  --compare DIST  measures nothing: ships the same alerts with both builds and compares every record, byte for byte
`;

const rows: Readonly<Record<string, (stage: Stage) => Row>> = {
  a: (stage) => {
    const figure = { row: "a", what: "tail and relevance, no line relevant", limit: atLeast(0.2) };
    return new ScanRow(stage, figure, 0, { what: "`wc -l`", file: "/usr/bin/wc", args: ["-l"] });
  },
  b: (stage) => {
    const figure = { row: "b", what: "the same, 1 in 10 relevant, records built", limit: atLeast(1.5) };
    return new ScanRow(stage, figure, 10, { what: "`JSON.parse` of each line", file: "json-parse", args: [] });
  },
  c: (stage) => new CarryRow(stage, carryRows.c()),
  d: (stage) => new CarryRow(stage, carryRows.d()),
  e: (stage) => new CarryRow(stage, carryRows.e()),
  f: (stage) => new CallRow(stage),
  g: (stage) => new LatencyRow(stage),
  h: (stage) => new FootprintRow(stage),
  i: (stage) => new CarryRow(stage, carryRows.i()),
  j: (stage) => new WatchedRow(stage),
  k: (stage) => new AuditedRow(stage),
  l: (stage) => new CarryRow(stage, carryRows.l()),
  m: (stage) => new CarryRow(stage, carryRows.m()),
};

interface Options {
  readonly names: readonly string[];
  readonly rounds: number;
  readonly scale: number;
  readonly json: string | undefined;
}

await runCommand("bench", main);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: "string", default: Object.keys(rows).join(",") },
      rounds: { type: "string", default: "5" },
      scale: { type: "string", default: "1" },
      json: { type: "string" },
      alerts: { type: "string" },
      beside: { type: "string" },
      compare: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(help);
  const scale = factor(values.scale);
  await using stage = await Stage.create(scale, values.compare ?? values.beside, numberOf(values.alerts));
  if (values.compare !== undefined) {
    if (!(await compareBuilds(stage))) process.exitCode = 1;
    return;
  }
  const rounds = numberOf(values.rounds) ?? 1;
  await measure(stage, { names: values.only.split(","), rounds, scale, json: values.json });
}

async function measure(stage: Stage, { names, rounds, scale, json }: Options): Promise<void> {
  const chosen = names.map((name) => {
    const make = rows[name];
    if (make === undefined) throw new Error(`--only: there is no row "${name}", only ${Object.keys(rows).join(", ")}`);
    return { name, row: make(stage) };
  });
  try {
    for (const { name, row } of chosen) {
      say(`preparing ${name}`);
      await row.prepare();
    }
    // Round by round and not row by row: whatever else the machine does then affects all rows alike.
    for (let round = 0; round < rounds; round++) {
      for (const { name, row } of chosen) {
        say(`round ${round + 1} of ${rounds}: ${name}`);
        await row.round(round);
      }
    }
  } finally {
    for (const { row } of chosen) await row.dispose();
  }
  const figures = chosen.flatMap(({ row }) => row.figures()).map(judge);
  const programs = chosen.flatMap(({ row }) => row.programs?.() ?? []);
  const machine = `${cpus().length} processors (${cpus()[0]?.model ?? "unknown"}), Node ${process.version}`;
  process.stdout.write(figuresTable(figures));
  if (programs.length > 0) process.stdout.write(`\n${programsTable(programs)}`);
  process.stdout.write(`\n${rounds} rounds, scale ${scale}; ${machine}\n`);
  if (json === undefined) return;
  const report = { date: new Date().toISOString(), machine, rounds, scale, figures, programs };
  writeFileSync(json, `${JSON.stringify(report, undefined, 2)}\n`);
}

function factor(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new Error(`--scale: "${text}" is not a number above 0`);
}
