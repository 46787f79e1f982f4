import { readdirSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "./repository.ts";

/** Files whose tests need Kafka and hold for every version, beside `integration/kafka-*`. */
const others = [
  "integration/doctor-kafka.test.ts",
  "e2e/alert-to-topic.test.ts",
  "e2e/broker-away.test.ts",
  "e2e/leader-killed.test.ts",
  "e2e/permissions.test.ts",
  "e2e/replay.test.ts",
  "e2e/security.test.ts",
  "e2e/stop-and-kill.test.ts",
  "e2e/topics.test.ts",
];

/** A test that a version cannot take. */
export interface LeftOut {
  /** Versions, by how they begin. */
  readonly versions: readonly string[];
  readonly file: string;
  readonly title: string;
  readonly why: string;
}

/** What is not run, by name. Everything else is. */
export const leftOut: readonly LeftOut[] = [
  {
    versions: ["2."],
    file: "integration/kafka-forgotten.test.ts",
    title: "an outage for which Kafka does not remember producers: what was under way is not sent twice",
    why: "brokers before 3.4 look for producers to forget every ten minutes only, and no setting changes that",
  },
];

/** The test files that `npm run compat` runs, paths below test/. */
export function compatFiles(): string[] {
  const names = readdirSync(join(repositoryRoot, "test/integration")).toSorted();
  const ofKafka = names.filter((name) => name.startsWith("kafka-") && name.endsWith(".test.ts"));
  return [...ofKafka.map((name) => join("integration", name)), ...others];
}

/** What a version cannot take. */
export function leftOutOf(version: string): readonly LeftOut[] {
  return leftOut.filter(({ versions }) => versions.some((start) => version.startsWith(start)));
}
