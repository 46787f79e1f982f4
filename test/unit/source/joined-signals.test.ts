import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "../../../scripts/repository.ts";
import { sourceFiles } from "./files.ts";

test("signals are joined by JoinedSignal alone: what AbortSignal.any makes, Node 20 may keep for good", () => {
  const calls = sourceFiles("daemon").filter((path) =>
    readFileSync(join(repositoryRoot, path), "utf8").includes("AbortSignal.any("),
  );
  assert.deepEqual(calls, []);
});
