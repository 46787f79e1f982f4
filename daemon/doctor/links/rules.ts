import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { isAbsent } from "../../sources/tail/archives.ts";
import { type OssecConf, settingsOf } from "../../wazuh/ossec-conf.ts";
import { failed, type Judgement, ok, unseen, warning } from "../judgement.ts";

/** A file of rules is small; a list of a thousand rules has a few hundred kilobytes. */
const mostFileBytes = 4 * 1024 * 1024;

/** A file with the rules for our feedback. */
export interface RuleFile {
  readonly path: string;
  readonly changedAtMs: number;
}

export interface RulesFacts {
  readonly home: string;
  /** Undefined: this user may not look. */
  readonly files: readonly RuleFile[] | undefined;
  /** Directories of rules (relative to home) and files left out, as ossec.conf says. */
  readonly ruleDirs: readonly string[];
  readonly excluded: readonly string[];
  /** Undefined: not known. */
  readonly analysisdStartedAtMs: number | undefined;
  /** Rules come from the master there. */
  readonly isWorker: boolean;
}

/** Whether the forwarder's feedback raises alerts in Wazuh. Alerts go on without it. */
export function judgeRules(facts: RulesFacts): Judgement[] {
  const { home, files, ruleDirs, excluded, analysisdStartedAtMs, isWorker } = facts;
  if (files === undefined) return [unseen(`${home}/etc/rules`)];
  const [file] = files;
  const install = isWorker ? "wazuh-dfn-install  # on the master; rules come from there" : "wazuh-dfn-install";
  if (file === undefined) {
    return [warning("no rules for the forwarder's feedback: what it tells Wazuh raises no alert", install)];
  }
  const name = file.path.slice(home.length + 1);
  const restart = `${home}/bin/wazuh-control restart`;
  if (ruleDirs.length > 0 && !ruleDirs.some((directory) => directory.replace(/\/$/, "") === "etc/rules")) {
    return [
      failed(`${name} is not read: ossec.conf has no <rule_dir>etc/rules`, `vi ${home}/etc/ossec.conf; ${restart}`),
    ];
  }
  if (excluded.includes(name)) {
    const remedy = `vi ${home}/etc/ossec.conf  # take the <rule_exclude> out; then: ${restart}`;
    return [failed(`${name} is not read: a <rule_exclude> of ossec.conf names it`, remedy)];
  }
  if (analysisdStartedAtMs !== undefined && file.changedAtMs > analysisdStartedAtMs + 1000) {
    const text = `${name} was changed after analysisd was started, so it may not be loaded`;
    return [warning(text, `${restart}  # or the API: PUT /manager/analysisd/reload`)];
  }
  return [ok(`the rules for the forwarder's feedback are in ${name}`)];
}

export async function lookAtRules(
  home: string,
  conf: OssecConf | undefined,
  analysisdStartedAtMs: number | undefined,
  isWorker: boolean,
): Promise<RulesFacts> {
  const ruleDirs = conf === undefined ? [] : settingsOf(conf, "ruleset", "rule_dir");
  const excluded = conf === undefined ? [] : settingsOf(conf, "ruleset", "rule_exclude");
  return { home, files: await ruleFiles(join(home, "etc/rules")), ruleDirs, excluded, analysisdStartedAtMs, isWorker };
}

/** Files that hold a rule on the feedback's field `integration` with the value `dfn`. */
async function ruleFiles(directory: string): Promise<RuleFile[] | undefined> {
  const found: RuleFile[] = [];
  try {
    for (const name of (await readdir(directory)).toSorted()) {
      const path = join(directory, name);
      const { size, mtimeMs, isFile } = await sightOf(path);
      if (!name.endsWith(".xml") || !isFile || size > mostFileBytes) continue;
      const text = (await readFile(path, "latin1")).replaceAll(/<!--[^]*?-->/g, "");
      if (/<field\s+name="integration"[^>]*>\^?dfn\$?<\/field>/.test(text)) found.push({ path, changedAtMs: mtimeMs });
    }
    return found;
  } catch (reason) {
    return isAbsent(reason) ? [] : undefined;
  }
}

async function sightOf(path: string): Promise<{ size: number; mtimeMs: number; isFile: boolean }> {
  const found = await stat(path);
  return { size: found.size, mtimeMs: found.mtimeMs, isFile: found.isFile() };
}
