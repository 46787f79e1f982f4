/**
 * `npm run bench`: the product's figures next to what they are compared with, in one run on one machine, because
 * ratios say the same on a slow machine as on a fast one. Starts an Apache Kafka of its own.
 *
 *     npm run bench -- [--only a,c] [--rounds N] [--scale S] [--json FILE] [--beside DIST]
 *
 * `--beside` puts the forwarder of another build, its `dist` directory, in place of the plain programs of rows c, d, e
 * and i: what a change has cost, in one run.
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { judge, tableOf, type Figure } from "./figure.ts";
import { CallRow } from "./rows/call.ts";
import { CarryRow, type CarryOptions } from "./rows/carry.ts";
import { FootprintRow } from "./rows/footprint.ts";
import { LatencyRow } from "./rows/latency.ts";
import type { Row } from "./rows/row.ts";
import { ScanRow } from "./rows/scan.ts";
import { Stage } from "./stage.ts";

const atLeast = (value: number): Figure["limit"] => ({ kind: "at least", value });

const windowsRecords: CarryOptions = {
  figure: { row: "d", what: "file to Kafka, Windows records, all relevant", limit: atLeast(0.8) },
  lines: 150_000,
  relevantEvery: 1,
  handler: "windows",
  plain: "records",
};

const rows: Readonly<Record<string, (stage: Stage) => Row>> = {
  a: (stage) => {
    const figure = { row: "a", what: "tail and relevance, no line relevant", limit: atLeast(0.2) };
    return new ScanRow(stage, figure, 0, { what: "wc -l", file: "/usr/bin/wc", args: ["-l"] });
  },
  b: (stage) => {
    const figure = { row: "b", what: "the same, 1 in 10 relevant, records built", limit: atLeast(1.5) };
    return new ScanRow(stage, figure, 10, { what: "JSON.parse of each line", file: "json-parse", args: [] });
  },
  c: (stage) =>
    new CarryRow(stage, {
      figure: { row: "c", what: "file to Kafka, passthrough of 2 KB lines", limit: atLeast(1.8) },
      lines: 200_000,
      relevantEvery: 10,
      lineBytes: 2000,
      handler: "passthrough",
      plain: "all",
    }),
  d: (stage) => new CarryRow(stage, windowsRecords),
  e: (stage) =>
    new CarryRow(stage, {
      figure: { row: "e", what: "file to Kafka, 1 in 10 relevant", limit: atLeast(0.6) },
      lines: 400_000,
      relevantEvery: 10,
      handler: "windows",
      plain: "relevant",
    }),
  f: (stage) => new CallRow(stage),
  g: (stage) => new LatencyRow(stage),
  i: (stage) =>
    new CarryRow(stage, {
      figure: { row: "i", what: "as c, the socket on: each line is paired", limit: atLeast(0.9) },
      lines: 200_000,
      relevantEvery: 10,
      lineBytes: 2000,
      handler: "passthrough",
      plain: "without-socket",
    }),
  h: (stage) => new FootprintRow(stage, new CarryRow(stage, windowsRecords)),
};

const { values } = parseArgs({
  options: {
    only: { type: "string", default: Object.keys(rows).join(",") },
    rounds: { type: "string", default: "3" },
    scale: { type: "string", default: "1" },
    json: { type: "string" },
    beside: { type: "string" },
  },
});

const rounds = positive("--rounds", values.rounds);
await using stage = await Stage.create(positive("--scale", values.scale), values.beside);
const chosen = values.only.split(",").map((name) => {
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
      await row.round(round % 2 === 0);
    }
  }
} finally {
  for (const { row } of chosen) await row.dispose();
}

const figures = chosen.flatMap(({ row }) => row.figures()).map(judge);
const machine = `${cpus().length} processors (${cpus()[0]?.model ?? "unknown"}), Node ${process.version}`;
process.stdout.write(`${tableOf(figures)}\n\n${rounds} rounds, scale ${values.scale}; ${machine}\n`);
if (values.json !== undefined) {
  const date = new Date().toISOString();
  writeFileSync(
    values.json,
    `${JSON.stringify({ date, machine, rounds, scale: stage.scale, figures }, undefined, 2)}\n`,
  );
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new Error(`${option}: "${text}" is not a number above 0`);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
