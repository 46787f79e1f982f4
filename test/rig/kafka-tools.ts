import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Java, moveOrDrop } from "../../scripts/kafka/java.ts";
import { howToInstall, installPrograms } from "../../scripts/kafka/programs.ts";
import { kafkaVersion } from "../../scripts/kafka/versions.ts";

/** The programs of Kafka's `bin` that the documentation names, and their classes since Kafka 4.4. */
const tools = {
  "kafka-topics.sh": "TopicCommand",
  "kafka-configs.sh": "ConfigCommand",
  "kafka-acls.sh": "AclCommand",
  "kafka-broker-api-versions.sh": "BrokerApiVersionsCommand",
} as const;

/**
 * Puts Kafka's own tools into a directory, by the names that they have in its `bin`; they end with their own exit codes.
 * @throws Error with one line that says what to install
 */
export function installKafkaTools(java: Java, bin: string): void {
  const missing = installPrograms(["java"]);
  if (missing.length > 0) throw new Error(howToInstall(missing));
  const classPath = `${java.lib}/*:${jarOfTools(java)}/*`;
  const flags = "-Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=error";
  mkdirSync(bin, { recursive: true });
  for (const [name, main] of Object.entries(tools)) {
    const call = `exec java ${flags} -cp '${classPath}' org.apache.kafka.tools.${main} "$@"`;
    writeFileSync(join(bin, name), `#!/bin/sh\n${call}\n`, { mode: 0o755 });
  }
}

/** The directory of the one jar that the brokers do without. */
function jarOfTools(java: Java): string {
  const directory = join(dirname(java.lib), "tools");
  if (existsSync(directory)) return directory;
  const missing = installPrograms(["mvn"]);
  if (missing.length > 0) throw new Error(howToInstall(missing));
  const partial = `${directory}-${process.pid}`;
  const artifact = `-Dartifact=org.apache.kafka:kafka-tools:${kafkaVersion()}`;
  java.run("mvn", ["-q", "-B", "dependency:copy", artifact, `-DoutputDirectory=${partial}`]);
  moveOrDrop(partial, directory);
  return directory;
}
