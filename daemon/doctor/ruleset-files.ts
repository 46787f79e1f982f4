import { join } from "node:path";
import { namesIn } from "../disk/list-directory.ts";
import { DfnError, isAbsent } from "../errors.ts";
import { command } from "../printable.ts";
import type { OssecConf } from "../wazuh/ossec-conf.ts";
import { type RulesetReading, type RulesetKind, RulesetPlan } from "../wazuh/ruleset-plan.ts";
import { wholeText } from "./read.ts";

/** A file of rules is small; a list of a thousand rules has a few hundred kilobytes. */
const maxFileBytes = 4 * 1024 * 1024;
/** Of all files together; the rules and decoders shipped with Wazuh have 10 MB. */
const maxBytes = 64 * 1024 * 1024;
const maxFiles = 5000;

/** A file of rules or decoders, decoded as latin1. */
export interface RulesetFile {
  readonly path: string;
  /** Path below the manager's home. */
  readonly place: string;
  readonly text: string;
  readonly reading: RulesetReading;
}

/** The budget that is left; shared by everything that one link reads. */
interface ReadBudget {
  bytes: number;
  files: number;
}

export function newBudget(): ReadBudget {
  return { bytes: maxBytes, files: maxFiles };
}

/**
 * The files of rules or decoders that are in the directories of ossec.conf, in Wazuh's own two, or named one by one; in
 * the order in which they are loaded, those of a directory by name, with how ossec.conf treats each. What is not a file,
 * leads out of the manager's home, or is far too large is skipped.
 * @throws errno EACCES if the current user may not read them, DfnError IO beyond the budget
 */
export async function rulesetFiles(
  home: string,
  conf: OssecConf | undefined,
  kind: RulesetKind,
  budget: ReadBudget,
): Promise<RulesetFile[]> {
  const plan = new RulesetPlan(kind, conf);
  const places = [...plan.included];
  for (const directory of new Set([...plan.directories, `ruleset/${kind}s`, `etc/${kind}s`])) {
    if (leadsOut(directory)) continue;
    const names = await namesIn(join(home, directory), isCandidate, maxFiles).catch((reason: unknown): string[] => {
      if (isAbsent(reason)) return [];
      throw reason;
    });
    places.push(...names.toSorted().map((name) => `${directory}/${name}`));
  }
  const files: RulesetFile[] = [];
  for (const place of new Set(places)) {
    if (leadsOut(place)) continue;
    budget.files -= 1;
    const text = budget.files < 0 ? undefined : await textOf(join(home, place));
    budget.bytes -= text?.length ?? 0;
    if (budget.files < 0 || budget.bytes < 0) {
      throw new DfnError("IO", `${home} holds more than ${maxFiles} files or ${maxBytes} bytes of rules and decoders`);
    }
    if (text !== undefined) {
      files.push({ path: join(home, place), place, text, reading: plan.readingOf(place, home) });
    }
  }
  return files;
}

/** A pattern may match names that do not end in `.xml`, but not an editor's backups by accident. */
function isCandidate(name: string): boolean {
  return /\.xml/i.test(name);
}

function leadsOut(place: string): boolean {
  return place.startsWith("/") || place.split("/").includes("..");
}

/** Undefined if it is not a usable file: a link of user wazuh, a pipe, far too large. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return await wholeText(path, maxFileBytes);
  } catch (reason) {
    if (reason instanceof DfnError || isAbsent(reason)) return undefined;
    throw reason;
  }
}

export function isLeftOutFile({ reading }: RulesetFile): boolean {
  return reading.kind === "left-out";
}

/** Why a file is not read, or may not be; ends a sentence. */
export function whyOf({ reading }: RulesetFile): string {
  return reading.kind === "loaded" ? "" : reading.why;
}

/** The command with which it is read again. */
export function readRemedy(home: string, { place }: RulesetFile): string {
  return command`vi ${`${home}/etc/ossec.conf`}  # let <ruleset> read ${place}; then: ${`${home}/bin/wazuh-control`} restart`;
}
