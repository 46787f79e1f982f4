/** The ids of all rules that the manager loads, so that ours are nobody else's. */
import { opendirSync } from "node:fs";
import { describe, DfnError } from "../../daemon/errors.ts";
import { quotedAttribute, readOsXml, Unreadable, type XmlElement } from "../../daemon/wazuh/os-xml.ts";
import { type OssecConf, settingsOf } from "../../daemon/wazuh/ossec-conf.ts";
import { Missing, walk } from "./directory.ts";
import { openFile } from "./files.ts";

/** A file of rules is small; a list of a thousand rules has a few hundred kilobytes. The stock rules are 6 MB in all. */
const maxFileBytes = 4 * 1024 * 1024;
const maxTotalBytes = 256 * 1024 * 1024;
const maxFiles = 20_000;
const maxPlaces = 200;

export interface RuleIds {
  readonly ids: ReadonlySet<number>;
  /** Of our own files, by their path relative to home; they may have been changed by hand. */
  readonly ownIds: ReadonlyMap<string, ReadonlySet<number>>;
  /** What was not looked at, and why. */
  readonly warnings: readonly string[];
}

/**
 * Looks through the directories and files of rules that the manager loads: its own two, and those of `<rule_dir>` and
 * `<rule_include>` (Wazuh 4.14 source: src/config/rules-config.c).
 * @param ownFiles relative to home; their ids are ours, and are kept apart
 * @throws DfnError IO when there is more than a manager ever has
 */
export function ruleIds(root: string, home: string, conf: OssecConf, ownFiles: readonly string[]): RuleIds {
  const scan = new Scan(ownFiles);
  const directories = new Set(["ruleset/rules", "etc/rules", ...settingsOf(conf, "ruleset", "rule_dir")]);
  const files = new Set(settingsOf(conf, "ruleset", "rule_include"));
  if (directories.size + files.size > maxPlaces) {
    throw new DfnError("CONFIG", `${home}/etc/ossec.conf names more than ${maxPlaces} places with rules`);
  }
  for (const place of directories) {
    const path = place.replace(/\/+$/, "");
    scan.attempt(place, () => scan.directory(root, `${home}/${path}`, path));
  }
  for (const place of files) {
    // A bare name is one in ruleset/rules.
    const path = place.includes("/") ? place : `ruleset/rules/${place}`;
    const slash = path.lastIndexOf("/");
    scan.attempt(place, () => scan.file(root, `${home}/${path.slice(0, slash)}`, path.slice(slash + 1)));
  }
  return { ids: scan.ids, ownIds: scan.ownIds, warnings: scan.warnings };
}

class Scan {
  readonly ids = new Set<number>();
  readonly ownIds = new Map<string, ReadonlySet<number>>();
  readonly warnings: string[] = [];
  readonly #ownFiles: readonly string[];
  #bytes = 0;
  #files = 0;

  constructor(ownFiles: readonly string[]) {
    this.#ownFiles = ownFiles;
  }

  /** What cannot be looked at is said; what is not there has no rules. */
  attempt(place: string, look: () => void): void {
    try {
      if (place.split("/").includes("..")) throw new DfnError("CONFIG", "it leads out of the manager's directory");
      look();
    } catch (reason) {
      if (reason instanceof TooMuch) throw reason;
      if (reason instanceof Missing) return;
      this.warnings.push(`${quotedAttribute(place)} was not looked at for rule ids: ${describe(reason)}`);
    }
  }

  directory(root: string, path: string, relative: string): void {
    using directory = walk(root, path);
    using entries = opened(directory.self);
    for (let entry = entries.next(); entry !== undefined; entry = entries.next()) {
      const { name } = entry;
      if (++this.#files > maxFiles) throw new TooMuch(`${path}: more than ${maxFiles} files of rules`);
      if (!name.endsWith(".xml")) continue;
      const place = `${relative}/${name}`;
      this.attempt(place, () => {
        using file = openFile(directory, name, maxFileBytes);
        if (file === undefined) return;
        const ids = this.#idsOf(file.content);
        if (this.#ownFiles.includes(place)) this.ownIds.set(place, ids);
        else this.#add(ids);
      });
    }
  }

  file(root: string, path: string, name: string): void {
    using directory = walk(root, path);
    using file = openFile(directory, name, maxFileBytes);
    if (file !== undefined) this.#add(this.#idsOf(file.content));
  }

  #idsOf(content: Buffer): ReadonlySet<number> {
    this.#bytes += content.length;
    if (this.#bytes > maxTotalBytes) throw new TooMuch(`more than ${maxTotalBytes} bytes of rules`);
    return idsIn(content.toString("latin1"));
  }

  #add(ids: ReadonlySet<number>): void {
    for (const id of ids) this.ids.add(id);
  }
}

class TooMuch extends DfnError {
  constructor(what: string) {
    super("CONFIG", `${what}: is this a manager?`);
  }
}

function opened(path: string): Disposable & { next(): { name: string } | undefined } {
  const directory = opendirSync(path);
  return {
    next: () => directory.readSync() ?? undefined,
    [Symbol.dispose]: () => directory.closeSync(),
  };
}

/**
 * Ids of the rules in a file, as Wazuh reads it. A file that Wazuh refuses holds no rule; someone may be about to fix it,
 * so what looks like a rule counts there as well.
 */
export function idsIn(text: string): Set<number> {
  try {
    const { roots } = readOsXml(text);
    const variables = new Map(roots.filter(isVariable).map((one) => [one.attributes.get("name") ?? "", one.text]));
    return new Set(elementsIn(roots).flatMap((element) => idOf(element, variables)));
  } catch (reason) {
    if (!(reason instanceof Unreadable)) throw reason;
    return looseIds(text);
  }
}

function elementsIn(roots: readonly XmlElement[]): XmlElement[] {
  const all: XmlElement[] = [];
  const left = [...roots];
  for (let element = left.pop(); element !== undefined; element = left.pop()) {
    if (element.name === "rule") all.push(element);
    for (const child of element.children) left.push(child);
  }
  return all;
}

function isVariable({ name }: XmlElement): boolean {
  return name.toLowerCase() === "var";
}

/** Up to six digits (src/analysisd/rules.c:2257-2274), or a variable that holds them (OS_ApplyVariables). */
function idOf({ attributes }: XmlElement, variables: ReadonlyMap<string, string>): number[] {
  const id = attributes.get("id") ?? "";
  const digits = id.startsWith("$") ? (variables.get(id.slice(1)) ?? "") : id;
  return /^\d{1,6}$/.test(digits) ? [Number(digits)] : [];
}

/** A tag is looked at up to this length. */
const maxTagLength = 4096;
const tagEnd = /[<>]/g;

function looseIds(text: string): Set<number> {
  const ids = new Set<number>();
  for (let at = text.indexOf("<rule"); at >= 0; at = text.indexOf("<rule", at + 1)) {
    tagEnd.lastIndex = at + 1;
    const end = tagEnd.exec(text)?.index ?? text.length;
    const tag = text.slice(at, Math.min(end, at + maxTagLength));
    const id = /\sid\s*=\s*["'](\d{1,6})["']/.exec(tag)?.[1];
    if (id !== undefined) ids.add(Number(id));
  }
  return ids;
}
