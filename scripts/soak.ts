/**
 * `npm run soak`: breaks everything around the forwarder and checks that nothing is lost, made up, altered or sent twice.
 * Without `--each` or `--only` it is a mixture, drawn from the seed. Ends with 1 when a promise is broken.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { faults, lastingFaults, shortFaults } from "../test/soak/catalogue.ts";
import type { Fault } from "../test/soak/fault.ts";
import { table } from "../test/soak/report.ts";
import { defaults, Session } from "../test/soak/session.ts";
import { numberOf, runCommand, say, seedOf } from "./command.ts";
import { kafkaVersionVariable, newestKafka } from "./kafka/versions.ts";

const help = `Usage: npm run soak -- [--seed S] [--alerts N] [--faults K] [--rate R] [--json FILE] [--each | --lasting | --only NAME,NAME]

  --seed S      repeats a run (default: drawn)
  --alerts N    alerts of a mixture in all, or of each fault by name (default ${defaults.mixture.alerts}, by name ${defaults.named.alerts})
  --faults K    faults of a mixture (default ${defaults.faults})
  --rate R      alerts a second (default ${defaults.mixture.rate}, by name ${defaults.named.rate})
  --only NAMES  these faults, each on a manager and a topic of its own; with --faults, a mixture of these
  --lasting     a mixture of those that do not end the forwarder's process: what it keeps of each piles up
  --each        every fault once, the same way; those that take minutes only by --only
  --kafka V     brokers of this version, one of npm run compat's (default ${newestKafka})
  --json FILE   the report as JSON
  --logs DIR    keeps the forwarder's logs there, a file a fault
  --list        names of the faults
`;

await runCommand("soak", main);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      alerts: { type: "string" },
      faults: { type: "string" },
      rate: { type: "string" },
      only: { type: "string", multiple: true },
      each: { type: "boolean", default: false },
      lasting: { type: "boolean", default: false },
      kafka: { type: "string" },
      json: { type: "string" },
      logs: { type: "string" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(help);
  if (values.list) return void process.stdout.write(faults.map(({ name, what }) => `${name}: ${what}\n`).join(""));
  if (values.kafka !== undefined) process.env[kafkaVersionVariable] = values.kafka;
  const seed = seedOf(values.seed);
  const names = values.only?.flatMap((some) => some.split(","));
  const named = values.lasting ? lastingFaults : chosen(names, values.each);
  const usual = values.lasting || named === undefined ? defaults.mixture : defaults.named;
  const load = { alerts: numberOf(values.alerts) ?? usual.alerts, rate: numberOf(values.rate) ?? usual.rate };
  if (values.logs !== undefined) mkdirSync(values.logs, { recursive: true });
  await using session = await Session.create({ seed, say, ...(values.logs !== undefined && { logs: values.logs }) });
  const count = numberOf(values.faults);
  const isMixture = values.lasting || named === undefined || count !== undefined;
  if (isMixture) await session.mixture(count ?? defaults.faults, load, named);
  else await session.each(named, load);
  const report = session.report(`npm run soak -- ${process.argv.slice(2).join(" ")}`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, undefined, 1)}\n`);
  process.stdout.write(table(report));
  if (report.broken.length > 0) process.exitCode = 1;
}

function chosen(names: readonly string[] | undefined, isEach: boolean): readonly Fault[] | undefined {
  if (names === undefined) return isEach ? shortFaults : undefined;
  return names.map((name) => {
    const fault = faults.find((one) => one.name === name);
    if (fault === undefined) throw new Error(`there is no fault ${name}; --list names them`);
    return fault;
  });
}
