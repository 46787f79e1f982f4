import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "../../../scripts/repository.ts";
import { sourceFiles } from "./files.ts";

const imported = /(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+\.ts)"/g;

/** All files that these import, directly or by others, and they themselves. */
function reachedFrom(...entries: readonly string[]): ReadonlySet<string> {
  const reached = new Set<string>(entries);
  for (const path of reached) {
    for (const [, specifier = ""] of readFileSync(join(repositoryRoot, path), "utf8").matchAll(imported)) {
      reached.add(normalize(join(dirname(path), specifier)));
    }
  }
  return reached;
}

function assertAllReached(files: readonly string[], entries: readonly string[]): void {
  const reached = reachedFrom(...entries);
  assert.ok(files.length > 10, `${files.length} files`);
  assert.deepEqual(
    files.filter((path) => !path.endsWith(".d.ts") && !reached.has(path)),
    [],
  );
}

test("every file of the product is part of a program: nothing is left out of its registry, or left behind", () =>
  assertAllReached(
    [...sourceFiles("daemon"), ...sourceFiles("integration")],
    [
      "daemon/main.ts",
      "daemon/kernel/assembly/frames.ts",
      "daemon/kernel/assembly/row.ts",
      "daemon/kernel/assembly/scan.ts",
      "daemon/page/browser/main.ts",
      "daemon/start/start.ts",
      "daemon/start/make-code-cache.ts",
      "integration/custom-dfn.ts",
      "integration/choose-way.ts",
    ],
  ));

test("every file of faults is in the catalogue of the soak", () =>
  assertAllReached(sourceFiles("test/soak/faults"), ["test/soak/catalogue.ts"]));
