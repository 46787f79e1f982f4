/**
 * `npm run compat`: the tests that talk to Kafka, with the oldest and the newest version that we hold ourselves to and one
 * between. Each version is fetched from Maven Central when it is first needed. Ends with 1 when a test failed.
 */
import { parseArgs } from "node:util";
import { KafkaCluster } from "../test/rig/kafka-cluster.ts";
import { sharedBrokersVariable } from "../test/rig/shared-kafka.ts";
import { runCommand, say } from "./command.ts";
import { compatFiles, leftOutOf, type LeftOut } from "./compat-tests.ts";
import { kafkaVersions, kafkaVersionVariable } from "./kafka/versions.ts";
import { runFiles, show, sums, type TestCounts } from "./test-run.ts";

const help = `Usage: npm run compat -- [--kafka VERSION] [PART ...]

  --kafka VERSION   this version alone (default: ${kafkaVersions.join(", ")})
  PART              test files with this in their path alone
`;

const fileTimeoutMs = 900_000;

process.env["LC_ALL"] = "C.UTF-8";
await runCommand("compat", main);

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { kafka: { type: "string" }, help: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  if (values.help) return void process.stdout.write(help);
  const versions = values.kafka === undefined ? kafkaVersions : [values.kafka];
  const isMeant = (file: string): boolean =>
    positionals.length === 0 || positionals.some((part) => `test/${file}`.includes(part));
  const files = compatFiles().filter(isMeant);
  if (files.length === 0) throw new Error("no test file has such a path");
  for (const version of versions) await runVersion(version, files);
}

async function runVersion(version: string, files: readonly string[]): Promise<void> {
  process.env[kafkaVersionVariable] = version;
  const omitted = leftOutOf(version);
  say(`Apache Kafka ${version}`);
  for (const { title, why } of omitted) say(`not with ${version}: ${title} (${why})`);
  await show(events(files, omitted));
}

async function* events(files: readonly string[], omitted: readonly LeftOut[]): AsyncGenerator {
  const counts: TestCounts = new Map();
  await using kafka = await KafkaCluster.start();
  process.env[sharedBrokersVariable] = kafka.addresses.join(",");
  yield* runFiles({ files, timeout: fileTimeoutMs, leftOut: omitted.map(({ title }) => title) }, counts);
  yield* sums(counts);
}
