import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "../../../scripts/repository.ts";
import { sourceFiles } from "./files.ts";

/** Directories of the repository that hold files of ours. */
const tops = ["daemon", "docs", "integration", "monitoring", "ossec-snippets", "scripts", "test"];
/** Documents; a path in one of them is from the top of the repository, or from `daemon/`. */
const documents = [
  ...readdirSync(repositoryRoot),
  ...readdirSync(join(repositoryRoot, "docs")).map((name) => `docs/${name}`),
  "ossec-snippets/README.md",
  "monitoring/README.md",
].filter((path) => path.endsWith(".md") && path !== "CHANGELOG.md"); // That one also names files of former versions.

const rooms = readdirSync(join(repositoryRoot, "daemon"));
const names = new Set([
  ...readdirSync(repositoryRoot),
  ...tops.flatMap((top) =>
    readdirSync(join(repositoryRoot, top), { recursive: true, encoding: "utf8" }).map((path) => basename(path)),
  ),
]);

/** Whether a word between backticks is meant to be a path of this repository. */
function isPath(word: string): boolean {
  if (!/^[\w.*@-]+(\/[\w.*@-]+)*\/?$/.test(word)) return false;
  const [first = ""] = word.split("/");
  return word.includes("/") ? [...tops, ...rooms].includes(first) : /\.(ts|sh|c|te)$/.test(word);
}

/** Whether a path leads to something here. `*` is any part of a file's name; a name alone may be in any directory. */
function exists(path: string): boolean {
  if (!path.includes("/")) return names.has(path);
  const places = [path, join("daemon", path)].map((place) => join(repositoryRoot, place));
  if (!path.includes("*")) return places.some((place) => existsSync(place));
  const [begin = "", end = ""] = basename(path).split("*");
  return places
    .filter((place) => existsSync(dirname(place)))
    .some((place) => readdirSync(dirname(place)).some((name) => name.startsWith(begin) && name.endsWith(end)));
}

test("every path of the repository that a document names is there", () => {
  const missing: string[] = [];
  let found = 0;
  for (const document of documents) {
    const text = readFileSync(join(repositoryRoot, document), "utf8");
    for (const [, word = ""] of text.matchAll(/`([^`\n]+)`/g)) {
      if (!isPath(word)) continue;
      found += 1;
      if (!exists(word)) missing.push(`${document}: ${word}`);
    }
    for (const [, target = ""] of text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)) {
      found += 1;
      if (!existsSync(join(repositoryRoot, dirname(document), target))) missing.push(`${document}: ${target}`);
    }
  }
  assert.ok(found > 150, `${found} paths were found`);
  assert.deepEqual(missing, []);
});

test("every test that docs/log-races.md quotes has that title", () => {
  const text = readFileSync(join(repositoryRoot, "docs/log-races.md"), "utf8").replaceAll(/\s+/g, " ");
  const tests = sourceFiles("test")
    .map((path) => readFileSync(join(repositoryRoot, path), "utf8"))
    .join();
  const titles = [...text.matchAll(/"([^"]{20,})"/g)].map(([, title = ""]) => title);
  assert.ok(titles.length > 10, `${titles.length} titles were found`);
  assert.deepEqual(
    titles.filter((title) => !tests.includes(`test("${title}"`)),
    [],
  );
});
