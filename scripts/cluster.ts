/**
 * `npm run cluster`: a master and workers on hosts of their own, one topic for all. Nodes are switched off, cut off and
 * added, agents move from node to node; nothing may be lost, made up, altered or sent twice. Ends with 1 when a promise
 * is broken.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { clusterTable } from "../test/cluster/report.ts";
import { defaults, runCluster } from "../test/cluster/run.ts";
import { numberOf, runCommand, say, seedOf } from "./command.ts";

const help = `Usage: npm run cluster -- [--seed S] [--alerts N] [--rate R] [--json FILE] [--logs DIR]

  --seed S      repeats a run (default: drawn)
  --alerts N    alerts of all nodes together (default ${defaults.alerts})
  --rate R      alerts a second that each node writes (default ${defaults.rate})
  --json FILE   the report as JSON
  --logs DIR    keeps the forwarders' logs there, a file a node
`;

await runCommand("cluster", main);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      alerts: { type: "string" },
      rate: { type: "string" },
      json: { type: "string" },
      logs: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(help);
  if (values.logs !== undefined) mkdirSync(values.logs, { recursive: true });
  const found = await runCluster({
    seed: seedOf(values.seed),
    alerts: numberOf(values.alerts) ?? defaults.alerts,
    rate: numberOf(values.rate) ?? defaults.rate,
    say,
    ...(values.logs !== undefined && { logs: values.logs }),
  });
  const report = { command: `npm run cluster -- ${process.argv.slice(2).join(" ")}`, ...found };
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, undefined, 1)}\n`);
  process.stdout.write(clusterTable(report));
  if (report.broken.length + report.slow.length > 0) process.exitCode = 1;
}
