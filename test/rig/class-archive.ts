import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Java } from "../../scripts/kafka/java.ts";

/**
 * Where the classes that a broker loads are kept, ready to be mapped into the next one (class data sharing): it then
 * starts with a good half of the processor time. `KafkaCluster.archiveClasses` makes it.
 */
export function classArchive({ lib }: Java): string {
  return join(lib, "..", "classes.jsa");
}

/** Flags for a Java program with Kafka's jars. Java does without an archive of other jars or of another Java. */
export function sharedClasses(java: Java): readonly string[] {
  const archive = classArchive(java);
  // Otherwise a warning about an archive that does not fit would be printed where a program's answers are.
  return existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`, "-Xlog:disable"] : [];
}
