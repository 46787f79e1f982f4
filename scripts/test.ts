/**
 * `npm test`: lint and format, a real Apache Kafka, then unit, integration and end-to-end tests (compiled, against the
 * built bundles), with node's summary as the last lines. Arguments choose test files by a part of their path.
 * `KAFKA_BROKERS=a:9092,b:9092` names a Kafka that is already there.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { describe } from "../daemon/errors.ts";
import { Kafka } from "../test/rig/kafka.ts";
import { KafkaCluster } from "../test/rig/kafka-cluster.ts";
import { sharedBrokersVariable } from "../test/rig/shared-kafka.ts";
import { repositoryRoot } from "./repository.ts";

/** The longest files start several clusters and break their brokers. */
const fileTimeoutMs = 900_000;

const files = testFiles(process.argv.slice(2));
try {
  checkSources();
  if (files.length === 0) throw new Error("no test file has such a path");
  await using kafka = files.some((file) => !file.startsWith("unit/")) ? await provideKafka() : undefined;
  if (kafka !== undefined) process.env[sharedBrokersVariable] = kafka.addresses.join(",");
  await runTests(files.map((file) => join(repositoryRoot, "build/test", file.replace(/\.ts$/, ".js"))));
} catch (reason) {
  process.stderr.write(`npm test: ${describe(reason)}\n`);
  process.exitCode = 1;
}

/**
 * Paths below test/, of sources: what an older build left behind is not run. The long ones come last, where they run
 * beside each other.
 */
function testFiles(parts: readonly string[]): string[] {
  const kinds = ["unit", "integration", "e2e"];
  const found = kinds.flatMap((kind) =>
    readdirSync(join(repositoryRoot, "test", kind), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".test.ts"))
      .toSorted()
      .map((file) => join(kind, file)),
  );
  return parts.length === 0 ? found : found.filter((file) => parts.some((part) => `test/${file}`.includes(part)));
}

function checkSources(): void {
  const { status } = spawnSync("npm", ["run", "--silent", "lint"], { cwd: repositoryRoot, stdio: "inherit" });
  if (status !== 0) throw new Error("lint or format is not clean (npm run format mends the latter)");
}

/** The Kafka that the tests share. Those that break brokers or need TLS start one of their own in any case. */
async function provideKafka(): Promise<Kafka> {
  const named = process.env["KAFKA_BROKERS"];
  if (named === undefined) return KafkaCluster.start();
  process.stderr.write(`using Kafka at ${named}; tests of broker faults, TLS and SASL start brokers of their own\n`);
  const kafka = new Kafka(named.split(","));
  await kafka.ready(1);
  return kafka;
}

/** Runs them with a line per test and a summary; a test that is skipped counts as failed. */
async function runTests(paths: readonly string[]): Promise<void> {
  const tests = run({ files: [...paths], concurrency: availableParallelism(), timeout: fileTimeoutMs });
  tests.on("test:fail", () => (process.exitCode = 1));
  tests.on("test:pass", ({ name, skip, todo }) => {
    if (skip === undefined && todo === undefined) return;
    process.stderr.write(`not run, which counts as failed: ${name}\n`);
    process.exitCode = 1;
  });
  for await (const text of tests.compose(new spec())) process.stdout.write(String(text));
}
