/**
 * What is ours in ossec.conf: the block between our marks, and sections outside of it that are as the snippets have
 * them (the marks were taken out, or someone copied a snippet by hand) or that call custom-dfn. Texts are decoded as
 * latin1, so every position is one of a byte.
 */
import { DfnError } from "../../daemon/errors.ts";
import { lineAt } from "../../daemon/wazuh/os-xml.ts";
import type { Element, OssecConf } from "../../daemon/wazuh/ossec-conf.ts";

/** A part of the text: from the first byte to behind the last one. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The block, marks and the line break behind it included. */
export interface Block extends Range {
  /** The line break in front of it came with it, because the file ended without one. */
  readonly hasOwnBreak: boolean;
}

/** A section outside of the block that has to do with us. */
export interface Outside {
  /**
   * - `ours`: as the installer writes it
   * - `calls`: an integration block for custom-dfn, written otherwise
   * - `names`: another section in which wazuh-dfn is named
   */
  readonly kind: "ours" | "calls" | "names";
  readonly section: Element;
  /** Counted from 1. */
  readonly firstLine: number;
  readonly lastLine: number;
}

const beginMark = /<!--\s{0,20}wazuh-dfn: begin\b/g;
const endMark = /<!--\s{0,20}wazuh-dfn: end\b/g;
const breakNote = "The line break before it is a part of it.";

/** More than this many sections that have to do with us, no person has written. */
const maxOutside = 100;

/**
 * Finds the marks by their text, not by the reader: a person may have broken the file elsewhere.
 * @param path for the message
 * @throws DfnError CONFIG when there is only one, several pairs, or the end in front of the beginning
 */
export function findBlock(text: string, path: string): Block | undefined {
  const [begin, ...begins] = marks(text, beginMark);
  const [end, ...ends] = marks(text, endMark);
  if (begin === undefined && end === undefined) return undefined;
  if (begin === undefined || end === undefined || begins.length + ends.length > 0) {
    const remedy = "restore the two comment lines, or take the block out by hand";
    throw new DfnError("CONFIG", `the marks of wazuh-dfn in ${path} are not one pair any more; ${remedy}`);
  }
  if (begin.from > end.from) {
    throw new DfnError(
      "CONFIG",
      `the marks of wazuh-dfn in ${path} are in the wrong order: take the block out by hand`,
    );
  }
  const lines = wholeLines(text, { from: begin.from, to: end.to });
  return { ...lines, hasOwnBreak: text.slice(begin.from, begin.to).includes(breakNote) };
}

/** The comments that begin like this; two are enough to know that there are too many. */
function marks(text: string, beginning: RegExp): Range[] {
  const found: Range[] = [];
  beginning.lastIndex = 0;
  for (let match = beginning.exec(text); match !== null && found.length < 2; match = beginning.exec(text)) {
    const end = text.indexOf("-->", match.index);
    if (end < 0) break;
    found.push({ from: match.index, to: end + 3 });
  }
  return found;
}

/** With the blanks around it, and the line break behind it, if nothing else is on its lines. */
function wholeLines(text: string, { from, to }: Range): Range {
  let start = from;
  while (" \t".includes(text[start - 1] ?? "x")) start--;
  if (start > 0 && text[start - 1] !== "\n") return { from, to };
  let end = to;
  while (" \t\r".includes(text[end] ?? "x")) end++;
  if (end === text.length) return { from: start, to: end };
  return text[end] === "\n" ? { from: start, to: end + 1 } : { from, to };
}

/**
 * What the block takes with it: the line break that came with it, unless a person wrote something behind it.
 */
export function rangeOf(block: Block, text: string): Range {
  const isLast = block.to === text.length;
  const ownBreak = isLast && block.hasOwnBreak && text[block.from - 1] === "\n" ? 1 : 0;
  return { from: block.from - ownBreak, to: block.to };
}

/** The text without some parts of it. */
export function without(text: string, ranges: readonly Range[]): string {
  let kept = "";
  let at = 0;
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    kept += text.slice(at, Math.max(at, from));
    at = Math.max(at, to);
  }
  return kept + text.slice(at);
}

/**
 * @param snippets the sections that the installer writes
 * @throws DfnError CONFIG when there are too many
 */
export function outsideOf(
  text: string,
  conf: OssecConf,
  block: Block | undefined,
  snippets: readonly Element[],
): Outside[] {
  const found: Outside[] = [];
  for (const section of sectionsOutside(conf, block)) {
    const kind = kindOf(section, snippets);
    if (kind === undefined) continue;
    if (found.length === maxOutside) {
      throw new DfnError(
        "CONFIG",
        `ossec.conf has more than ${maxOutside} sections that name wazuh-dfn: see who made them`,
      );
    }
    found.push({ kind, section, firstLine: lineAt(text, section.from), lastLine: lineAt(text, section.to - 1) });
  }
  return found;
}

/** The sections that are not in our block. */
export function sectionsOutside(conf: OssecConf, block: Block | undefined): Element[] {
  return conf.sections.filter(({ from, to }) => block === undefined || to <= block.from || from >= block.to);
}

function kindOf(section: Element, snippets: readonly Element[]): Outside["kind"] | undefined {
  if (snippets.some((snippet) => isAlike(section, snippet))) return "ours";
  const name = section.name === "integration" ? section.children.findLast((child) => child.name === "name") : undefined;
  if (name?.text.trim() === "custom-dfn") return "calls";
  return section.children.some(({ text }) => text.includes("wazuh-dfn")) ? "names" : undefined;
}

/** Same names, attributes, values and order; blanks around values and between elements do not count. */
function isAlike(one: Element, other: Element): boolean {
  return (
    one.name === other.name &&
    one.attributes.size === other.attributes.size &&
    [...one.attributes].every(([name, value]) => other.attributes.get(name) === value) &&
    one.children.length === other.children.length &&
    one.children.every((child, index) => isAlike(child, other.children[index] ?? child)) &&
    (one.children.length > 0 || one.text.trim() === other.text.trim())
  );
}

/** The parts to cut so that these sections go, and the `<ossec_config>` around them if nothing else is in it. */
export function rangesOf(text: string, conf: OssecConf, sections: readonly Element[]): Range[] {
  const doomed = new Set(sections);
  return conf.document.roots.flatMap((root) => {
    const going = root.children.filter((child) => doomed.has(child));
    if (going.length === 0) return [];
    const rest = without(
      text.slice(root.from, root.to),
      going.map(({ from, to }) => ({ from: from - root.from, to: to - root.from })),
    );
    const isEmpty = /^<ossec_config>\s*<\/ossec_config>$/.test(rest);
    return (isEmpty ? [root] : going).map((element) => wholeLines(text, element));
  });
}
