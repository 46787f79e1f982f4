import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

const pages = [
  ...readdirSync(".").filter((name) => name.endsWith(".md")),
  ...readdirSync("docs").map((name) => join("docs", name)),
].filter((name) => name.endsWith(".md"));

/** The anchor that hosts make from a heading: lower case, blanks as hyphens, only letters, digits and both. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

function anchorsOf(page: string): string[] {
  return [...readFileSync(page, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));
}

test("links between the pages lead to a page, and to a heading of it", () => {
  let links = 0;
  for (const page of pages) {
    for (const [, link = ""] of readFileSync(page, "utf8").matchAll(/\]\(((?!https?:)[^)\s]+)\)/g)) {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? page : join(dirname(page), path);
      assert.ok(existsSync(target), `${page}: ${link}`);
      if (anchor !== undefined) assert.ok(anchorsOf(target).includes(anchor), `${page}: ${link}`);
      links += 1;
    }
  }
  assert.ok(links > 20);
});

test("the files and sections that SECURITY.md names as proof exist", () => {
  const text = readFileSync("SECURITY.md", "utf8");
  const named = [...text.matchAll(/`((?:daemon|scripts|ossec-snippets|docs)\b[^`]*)`/g)].map(([, path = ""]) => path);
  assert.ok(named.length > 8);
  for (const path of named) assert.ok(existsSync(path), path);
  const headings = anchorsOf("docs/install.md");
  const sections = [...text.matchAll(/\]\(docs\/install\.md\),\s+"([^"]+)"/g)].map(([, name = ""]) => anchorOf(name));
  assert.ok(sections.length >= 3);
  for (const section of sections) {
    assert.ok(
      headings.some((heading) => heading.replace(/^\d+-/, "") === section),
      section,
    );
  }
});
