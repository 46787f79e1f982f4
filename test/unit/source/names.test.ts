import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "../../../scripts/repository.ts";
import { sourceFiles } from "./files.ts";

const exported =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|const|let|interface|type) ([A-Za-z_$][\w$]*)/gm;

test("no two files of the forwarder export the same name, so that a name leads to one place", () => {
  const places = new Map<string, string[]>();
  for (const path of sourceFiles("daemon")) {
    const names = new Set(
      [...readFileSync(join(repositoryRoot, path), "utf8").matchAll(exported)].map(([, name = ""]) => name),
    );
    for (const name of names) places.set(name, [...(places.get(name) ?? []), path]);
  }
  assert.ok(places.size > 500, `${places.size} names were found`);
  const shared = [...places].filter(([, paths]) => paths.length > 1);
  assert.deepEqual(shared, []);
});
