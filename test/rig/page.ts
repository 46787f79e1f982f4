import { readFileSync } from "node:fs";
import { resolve } from "node:path";

/**
 * The code blocks of a page of the documentation, in order and without the indentation of a list.
 * @param path from the root of the checkout
 * @param options language: the word after the fence; section: the heading below which they are, default: the whole page
 * @throws Error if there is none, so that a changed page is noticed
 */
export function blocksOf(path: string, options: { language?: string; section?: string } = {}): string[] {
  const { language = "sh" } = options;
  const fenced = new RegExp(`^( *)\`\`\`${language}\\n([^]*?)^ *\`\`\`$`, "gm");
  const blocks = [...textOf(path, options.section).matchAll(fenced)].map(([, indent = "", block = ""]) =>
    block.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );
  if (blocks.length === 0) throw new Error(`${path} has no ${language} blocks in ${options.section ?? "it"}`);
  return blocks;
}

/** The text below a heading of the page, up to the next heading of the same level; the whole page without one. */
export function textOf(path: string, section?: string): string {
  const page = readFileSync(resolve(path), "utf8");
  if (section === undefined) return page;
  const head = new RegExp(`^(#+) ${section}$`, "m").exec(page);
  if (head === null) throw new Error(`${path} has no section ${section}`);
  const behind = page.slice(head.index + head[0].length);
  const next = new RegExp(`^#{1,${head[1]?.length ?? 1}} `, "m").exec(behind);
  return next === null ? behind : behind.slice(0, next.index);
}
