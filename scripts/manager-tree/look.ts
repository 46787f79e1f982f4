/** What the installer has to know of a manager, looked at once, so that all that it does rests on one look. */
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DfnError } from "../../daemon/errors.ts";
import {
  type Element,
  maxOssecConfBytes,
  type OssecConf,
  readOssecConf,
  settingOf,
  Unreadable,
} from "../../daemon/wazuh/ossec-conf.ts";
import { type Block, findBlock, outsideOf, rangeOf, rangesOf, sectionsOutside, without } from "./block.ts";
import { Missing, walk } from "./directory.ts";
import { openFile, type OpenFile } from "./files.ts";
import { ruleIds } from "./rule-ids.ts";

/** Programs of the manager that the installer runs. */
const programs = /^wazuh-(?:control|analysisd|integratord|syscheckd|logcollector|logtest-legacy)$/;

/** Files of ours in the manager's tree, relative to its home, and the largest that one of that name may be. */
const own = {
  rules: "etc/rules/dfn_rules.xml",
  event_rules: "etc/rules/dfn_event_rules.xml",
  decoders: "etc/decoders/zz_dfn_decoders.xml",
  custom_dfn: "integrations/custom-dfn",
} as const;
/** The snippets that go into the manager's ossec.conf. Those for agents may be in it too, and are not ours there. */
const snippetNames = ["fim.xml", "integration.xml", "rootcheck.xml", "unit-watch.xml"];
const maxOwnBytes = 16 * 1024 * 1024;

export interface Looking {
  readonly root: string;
  readonly home: string;
  /** An empty directory that only root may write to. */
  readonly into: string;
  /** The directory of the snippets. */
  readonly snippets: string;
  /** Goes on when Wazuh refuses ossec.conf: the block alone is looked for then. */
  readonly isTolerant: boolean;
  /** Names of sections that stay where they are outside of the block, although they are as the snippets have them. */
  readonly spared: readonly string[];
}

/**
 * What root is about to run belongs to root, and nobody else can change it or put something else in its place.
 * @throws DfnError CONFIG
 */
export function judgePrograms(root: string, home: string): void {
  using directory = walk(root, `${home}/bin`);
  if (!directory.isRoots) {
    const remedy = "only root may write to these directories and those above them, see: namei -l";
    throw new DfnError(
      "CONFIG",
      `${home}/bin holds programs that root is to run, and others may change them: ${remedy} ${directory.path}`,
    );
  }
  for (const name of readdirSync(directory.self)) {
    if (!programs.test(name)) continue;
    const stats = lstatSync(directory.at(name));
    if (stats.isFile() && stats.uid === 0 && (stats.mode & 0o022) === 0) continue;
    const path = `${directory.path}/${name}`;
    throw new DfnError(
      "CONFIG",
      `${path} is to run as root, and others may change it: chown root ${path} && chmod go-w ${path}`,
    );
  }
}

/**
 * Writes down what it finds, each a file in `into`:
 * - `conf`: ossec.conf as it was read, once
 * - `head`, `old-block`, `tail`: what is in front of the place of our block, the block, and what is behind it
 * - `bare`: without the block; `bare-ours`: and without what is ours outside of it; `bare-all`: and without other blocks
 *   that call custom-dfn
 * - `ids`: rule ids that are taken by others, one a line; `own-ids`: ids in our own files, as `KEY ID`
 * - `warnings`: one a line
 * - `facts`: `KEY VALUE`, one a line, see below
 * @throws DfnError; CONFIG when Wazuh refuses ossec.conf
 */
export function look({ root, home, into, snippets, isTolerant, spared }: Looking): void {
  judgePrograms(root, home);
  using conf = readConf(root, home);
  const text = conf.content.toString("latin1");
  const block = findBlock(text, conf.path);
  const facts: string[] = [];
  const warnings: string[] = [];
  const write = (name: string, content: string | Buffer): void =>
    writeFileSync(join(into, name), typeof content === "string" ? Buffer.from(content, "latin1") : content, {
      flag: "wx",
    });
  write("conf", conf.content);
  write("head", text.slice(0, block?.from));
  write("old-block", block === undefined ? "" : text.slice(block.from, block.to));
  write("tail", block === undefined ? "" : text.slice(block.to));
  facts.push(`block ${block === undefined ? "no" : "yes"}`);
  facts.push(`own_break ${block?.hasOwnBreak === true ? "yes" : "no"}`);
  facts.push(`ends_line ${text === "" || text.endsWith("\n") ? "yes" : "no"}`);
  const read = parsed(text, conf.path, isTolerant);
  if (typeof read === "string") warnings.push(read);
  else {
    const ownFiles = { rules: own.rules, event_rules: own.event_rules };
    const taken = ruleIds(root, home, read, Object.values(ownFiles));
    write("ids", [...taken.ids].map((id) => `${id}\n`).join(""));
    const ownIds = Object.entries(ownFiles).flatMap(([key, path]) =>
      [...(taken.ownIds.get(path) ?? [])].map((id) => `${key} ${id}\n`),
    );
    write("own-ids", ownIds.join(""));
    warnings.push(...taken.warnings);
    facts.push(...settingsFacts(read, block));
  }
  const outside = typeof read === "string" ? [] : outsideOf(text, read, block, sectionsOf(snippets));
  for (const { kind, section, firstLine, lastLine } of outside) {
    const shown = kind === "ours" && spared.includes(section.name) ? "spared" : kind;
    facts.push(`outside ${shown} ${section.name} ${firstLine} ${lastLine}`);
  }
  const blockRange = block === undefined ? [] : [rangeOf(block, text)];
  const bare = (...kinds: readonly string[]): string => {
    const going = outside
      .filter(({ kind, section }) => kinds.includes(kind) && !(kind === "ours" && spared.includes(section.name)))
      .map(({ section }) => section);
    return without(text, [...blockRange, ...(typeof read === "string" ? [] : rangesOf(text, read, going))]);
  };
  write("bare", bare());
  write("bare-ours", bare("ours"));
  write("bare-all", bare("ours", "calls"));
  for (const [key, path] of Object.entries(own)) facts.push(`${key} ${ownFacts(root, home, path)}`);
  write("warnings", warnings.map((line) => `${printable(line)}\n`).join(""));
  write("facts", facts.map((line) => `${printable(line)}\n`).join(""));
}

function readConf(root: string, home: string): OpenFile {
  using directory = walk(root, `${home}/etc`);
  const conf = openFile(directory, "ossec.conf", maxOssecConfBytes);
  if (conf === undefined) throw new Missing(`${directory.path}/ossec.conf`);
  return conf;
}

/** @returns in words why it was not understood, if that is tolerated */
function parsed(text: string, path: string, isTolerant: boolean): OssecConf | string {
  try {
    return readOssecConf(text);
  } catch (reason) {
    if (!(reason instanceof Unreadable)) throw reason;
    const what = `${path}: ${reason.message}; Wazuh does not take it`;
    if (isTolerant) return `${what}. Only the block between wazuh-dfn's marks is looked at`;
    throw new DfnError("CONFIG", `${what}: the manager's own configuration was already wrong. Fix that first`);
  }
}

function settingsFacts(conf: OssecConf, block: Block | undefined): string[] {
  const others = { ...conf, sections: sectionsOutside(conf, block) };
  // A section that is there at all switches FIM or rootcheck on.
  const names = ["syscheck", "rootcheck"].filter((name) => others.sections.some((section) => section.name === name));
  // A worker gets its rules from the master, which deletes what else is there.
  const isWorker =
    settingOf(others, "cluster", "node_type") === "worker" && settingOf(others, "cluster", "disabled") !== "yes";
  return [`worker ${isWorker ? "yes" : "no"}`, ...names.map((name) => `section ${name}`)];
}

/** The sections that the installer writes. A snippet that Wazuh refuses is like none: the manager's own check says so. */
function sectionsOf(directory: string): Element[] {
  return snippetNames.flatMap((name) => {
    try {
      return [...readOssecConf(readFileSync(join(directory, name), "latin1")).sections];
    } catch (reason) {
      if (reason instanceof Unreadable) return [];
      throw reason;
    }
  });
}

/** `SHA-256 UID:GID MODE`, as the installer compares them; `-` if there is nothing. */
function ownFacts(root: string, home: string, path: string): string {
  const slash = path.lastIndexOf("/");
  try {
    using directory = walk(root, `${home}/${path.slice(0, slash)}`);
    using file = openFile(directory, path.slice(slash + 1), maxOwnBytes);
    if (file === undefined) return "-";
    const { uid, gid, mode } = file.stats;
    const digest = createHash("sha256").update(file.content).digest("hex");
    return `${digest} ${uid}:${gid} ${(mode & 0o7777n).toString(8)}`;
  } catch (reason) {
    if (reason instanceof Missing) return "-";
    throw reason;
  }
}

/** On one line, and without what a terminal would obey: names of files in it are chosen by others. */
export function printable(text: string): string {
  return text.replaceAll(/[^ -~]/g, "?");
}
