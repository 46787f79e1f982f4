import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { moveOrDrop, type Java } from "../../scripts/kafka/java.ts";
import { repositoryRoot } from "../../scripts/repository.ts";

/**
 * The directory of a compiled program of test/java; compiled again when its source or Kafka's version changed.
 * @param name of the class
 */
export function compiledProgram(java: Java, name: string): string {
  const source = join(repositoryRoot, "test/java", `${name}.java`);
  const { mtimeMs } = statSync(source);
  const classes = join(java.lib, "..", `${name}-${Math.round(mtimeMs)}`);
  if (existsSync(classes)) return classes;
  const partial = `${classes}-${process.pid}`;
  mkdirSync(partial, { recursive: true });
  java.run("javac", ["-cp", join(java.lib, "*"), "-d", partial, source]);
  moveOrDrop(partial, classes);
  return classes;
}
