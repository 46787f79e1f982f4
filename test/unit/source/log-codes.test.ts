import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "../../../scripts/repository.ts";
import { sourceFiles } from "./files.ts";

/** A call of a log, and what its first argument begins with. */
const call = /\b(?:log|#log)(?:\(\))?(?:\.(?:debug|info|warn|error)|\[\w+\])\(\s*(\{\s*code\b(?::\s*([^,}\n]+))?)?/g;
/** Makes logs, and has no lines of its own. */
const loggers = ["daemon/telemetry/log.ts"];

test("each line of the log has a code in kebab case, and no two places have the same", () => {
  const without: string[] = [];
  const places = new Map<string, string>();
  const repeated: string[] = [];
  for (const path of sourceFiles("daemon").filter((file) => !loggers.includes(file))) {
    const text = readFileSync(join(repositoryRoot, path), "utf8");
    for (const { index, 1: begin, 2: code } of text.matchAll(call)) {
      const place = `${path}:${text.slice(0, index).split("\n").length}`;
      if (begin === undefined) without.push(place);
      const literal = /^"(.*)"$/.exec(code?.trim() ?? "")?.[1];
      if (literal === undefined) continue;
      assert.match(literal, /^[a-z0-9]+(-[a-z0-9]+)*$/, place);
      if (places.has(literal)) repeated.push(`${literal}: ${places.get(literal)} and ${place}`);
      places.set(literal, place);
    }
  }
  assert.deepEqual(without, []);
  assert.deepEqual(repeated, []);
  assert.ok(places.size > 60, `${places.size} codes were found`);
});
