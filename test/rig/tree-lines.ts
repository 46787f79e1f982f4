import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Everything below a directory, one line each: path, mode, owner, and for files the content. Times of files count too;
 * those of directories do not, so that a file may come and go.
 * @param without names that are left out wherever they are
 */
export function treeLines(root: string, without: readonly string[] = []): string[] {
  const lines: string[] = [];
  const visit = (path: string, name: string): void => {
    const found = lstatSync(path);
    const rights = `${(found.mode & 0o7777).toString(8)} ${found.uid}:${found.gid}`;
    if (found.isDirectory()) {
      lines.push(`${name}/ ${rights}`);
      for (const entry of readdirSync(path).toSorted()) {
        if (!without.includes(entry)) visit(join(path, entry), `${name}/${entry}`);
      }
    } else if (found.isFile()) {
      const hash = createHash("sha256").update(readFileSync(path)).digest("hex");
      lines.push(`${name} ${rights} ${found.mtimeMs} ${hash}`);
    } else lines.push(`${name} ${rights}`);
  };
  visit(root, ".");
  return lines;
}
