import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../repository.ts";

/** The Maven project that names Kafka's jars. */
export const pom = join(repositoryRoot, "scripts/kafka/pom.xml");

/** Names the version that a process runs, if that is not the newest one. */
export const kafkaVersionVariable = "WAZUH_DFN_TEST_KAFKA";

/** The version of the pom, which CI runs. */
export const newestKafka = readPom();

/** What `npm run compat` runs: the last ones of their lines. The first one needs ZooKeeper, the others have KRaft. */
export const kafkaVersions: readonly string[] = ["2.8.2", "3.9.2", newestKafka];

/**
 * The Apache Kafka version that this process and the ones that it starts run from now on.
 * @throws Error when it is none of `kafkaVersions`: the name becomes a directory, and is fetched from Maven Central
 */
export function kafkaVersion(): string {
  const version = process.env[kafkaVersionVariable] ?? newestKafka;
  if (kafkaVersions.includes(version)) return version;
  throw new Error(`there is no Kafka ${version} for the tests, but ${kafkaVersions.join(", ")}`);
}

/** Whether its brokers find each other by ZooKeeper here: KRaft was a preview before 3.3. */
export function needsZookeeper(): boolean {
  return Number(kafkaVersion().split(".")[0]) < 3;
}

function readPom(): string {
  const version = /<kafka\.version>([^<]+)/.exec(readFileSync(pom, "utf8"))?.[1];
  if (version === undefined) throw new Error(`${pom} does not say which Kafka`);
  return version;
}
