/**
 * `npm test`: lint and format, a real Apache Kafka, then end-to-end, integration and unit tests (compiled, against the
 * built bundles), at last those that want the machine for themselves, with node's summary as the last lines. Arguments
 * choose test files by a part of their path.
 * `KAFKA_BROKERS=a:9092,b:9092` names a Kafka that is already there.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe } from "../daemon/errors.ts";
import { Kafka } from "../test/rig/kafka.ts";
import { KafkaCluster } from "../test/rig/kafka-cluster.ts";
import { setCertificatesAside } from "../test/rig/npm-certificates.ts";
import { sharedDirectoryVariable } from "../test/rig/shared-directory.ts";
import { sharedBrokersVariable } from "../test/rig/shared-kafka.ts";
import { TempDir } from "../test/rig/temp-dir.ts";
import { repositoryRoot } from "./repository.ts";
import { runFiles, show, sums, type TestCounts } from "./test-run.ts";

/** The longest files start several clusters and break their brokers. */
const fileTimeoutMs = 900_000;
/** Directories of tests that measure how long the forwarder takes: nothing runs in parallel with them. */
const aloneKinds: readonly string[] = ["cluster", "soak"];
/** The soak takes ten minutes; one that hangs is to end in time for CI to say so. */
const aloneTimeoutMs = 1_800_000;

/** Those that take longest begin first, so that no processor is idle at the end while one of them is still running. */
const longest: readonly string[] = [
  "integration/pages-debian.test.ts",
  "integration/kafka-failover.test.ts",
  "integration/package-assurance.test.ts",
  "integration/install-cut-off.test.ts",
  "integration/package.test.ts",
  "integration/roll-out.test.ts",
  "e2e/leader-killed.test.ts",
  "e2e/memory.test.ts",
];

// Tests read what rpm, dpkg, openssl and others print, which a person's language would change.
process.env["LC_ALL"] = "C.UTF-8";
setCertificatesAside();
const files = testFiles(process.argv.slice(2));
try {
  if (files.length === 0) throw new Error("no test file has such a path");
  await runTests(
    files.filter((file) => !isAlone(file)),
    files.filter(isAlone),
  );
} catch (reason) {
  process.stderr.write(`npm test: ${describe(reason)}\n`);
  process.exitCode = 1;
}

/** Paths below test/, of sources: what an older build left behind is not run. */
function testFiles(parts: readonly string[]): string[] {
  // The short ones last: they keep each processor busy until the end.
  const kinds = ["e2e", "integration", "unit", ...aloneKinds];
  const found = kinds.flatMap((kind) =>
    readdirSync(join(repositoryRoot, "test", kind), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".test.ts"))
      .toSorted()
      .map((file) => join(kind, file)),
  );
  const ordered = [
    ...longest.filter((file) => found.includes(file)),
    ...found.filter((file) => !longest.includes(file)),
  ];
  return parts.length === 0 ? ordered : ordered.filter((file) => parts.some((part) => `test/${file}`.includes(part)));
}

async function checkSources(): Promise<void> {
  const lint = spawn("npm", ["run", "--silent", "lint"], { cwd: repositoryRoot, stdio: "inherit" });
  const [status]: unknown[] = await once(lint, "close");
  if (status !== 0) throw new Error("lint or format is not clean (npm run format fixes the latter)");
}

/** The Kafka that the tests share. Those that break brokers or need TLS start one of their own in any case. */
async function provideKafka(): Promise<Kafka> {
  const named = process.env["KAFKA_BROKERS"];
  if (named === undefined) {
    await KafkaCluster.archiveClasses();
    return KafkaCluster.start();
  }
  process.stderr.write(`using Kafka at ${named}; tests of broker faults, TLS and SASL start brokers of their own\n`);
  const kafka = new Kafka(named.split(","));
  await kafka.ready(1);
  return kafka;
}

function isAlone(file: string): boolean {
  return aloneKinds.some((kind) => file.startsWith(`${kind}/`));
}

/** Runs them with a line per test and one summary; a test that is skipped counts as failed. */
async function runTests(usual: readonly string[], alone: readonly string[]): Promise<void> {
  await show(events(usual, alone));
}

async function* events(usual: readonly string[], alone: readonly string[]): AsyncGenerator {
  const counts: TestCounts = new Map();
  // As the package has it once it is installed: the many starts of the forwarder and its commands take half as long.
  execFileSync(process.execPath, [join(repositoryRoot, "dist/make-code-cache.cjs")], { stdio: "inherit" });
  const checked = checkSources();
  checked.catch(() => {}); // Kafka starts meanwhile.
  if (usual.length === 0) await checked;
  else {
    await using shared = await TempDir.create();
    process.env[sharedDirectoryVariable] = shared.path;
    await using kafka = usual.some((file) => !file.startsWith("unit/")) ? await provideKafka() : undefined;
    if (kafka !== undefined) process.env[sharedBrokersVariable] = kafka.addresses.join(",");
    await checked;
    yield* runFiles({ files: usual, timeout: fileTimeoutMs }, counts);
  }
  if (alone.length > 0) yield* runFiles({ files: alone, concurrency: 1, timeout: aloneTimeoutMs }, counts);
  yield* sums(counts);
}
