import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { repositoryRoot } from "../../../scripts/repository.ts";

/**
 * The TypeScript files below a directory of the repository, as paths from its top, sorted.
 * @param directory e.g. `daemon`
 */
export function sourceFiles(directory: string): string[] {
  const top = join(repositoryRoot, directory);
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(repositoryRoot, join(entry.parentPath, entry.name)))
    .toSorted();
}
