import { basename, join } from "node:path";
import { namesIn } from "../../disk/list-directory.ts";
import { DfnError, errnoOf } from "../../errors.ts";
import { isAbsent } from "../../sources/tail/archives.ts";
import { type OssecConf, settingsOf } from "../../wazuh/ossec-conf.ts";
import { formatQueueAddress, type QueueAddress } from "../../wazuh/queue-address.ts";
import { failed, type Judgement, ok, unknown, unseen, warning } from "../judgement.ts";
import { statOwn, wholeText } from "../read.ts";

/** A file of rules is small; a list of a thousand rules has a few hundred kilobytes. */
const mostFileBytes = 4 * 1024 * 1024;

/** Of all files together; the rules that Wazuh ships have 10 MB. */
const mostBytes = 64 * 1024 * 1024;
/** Of bounded length everywhere, so that no text makes it slow. */
const integrationRule = /<field\s{1,20}name="integration"[^>]{0,200}>\^?dfn\$?<\/field>/;
/** What an event of the forwarder has for its location; see ossec-snippets/README.md. */
const originRule = /<location>\^dfn\$<\/location>/;

/** A file with the rules for our feedback. */
export interface RuleFile {
  readonly path: string;
  readonly changedAtMs: number;
  /** Whether its rules ask where an event came from: those of older releases believe whatever a log says of itself. */
  readonly asksForOrigin: boolean;
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
  // Wazuh's own form is the bare name; it is compared with the path below its home, too.
  if ([name, basename(name), file.path].some((form) => excluded.includes(form))) {
    const remedy = `vi ${home}/etc/ossec.conf  # take the <rule_exclude> out; then: ${restart}`;
    return [failed(`${name} is not read: a <rule_exclude> of ossec.conf names it`, remedy)];
  }
  if (analysisdStartedAtMs !== undefined && file.changedAtMs > analysisdStartedAtMs + 1000) {
    const text = `${name} was changed after analysisd was started, so it may not be loaded`;
    return [warning(text, `${restart}  # or the API: PUT /manager/analysisd/reload`)];
  }
  if (!file.asksForOrigin) {
    const text = `${name} is of an older release: any log with "integration":"dfn" in it raises these alerts, and is hidden from other rules`;
    return [warning(text, install)];
  }
  return [ok(`the rules for the forwarder's feedback are in ${name}`)];
}

/** Where events go over TCP, this machine does not show which rules judge them. */
export function rulesBehind(relay: QueueAddress): Judgement {
  const text = `whether the manager behind ${formatQueueAddress(relay)} has the rules for the forwarder's feedback cannot be seen from here`;
  return unknown(
    text,
    "grep -l '<location>^dfn' /var/ossec/etc/rules/*.xml  # on that manager, or its cluster's master",
  );
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

/** Files that hold a rule on the feedback's field `integration` with the value `dfn`; undefined: may not be read. */
async function ruleFiles(directory: string): Promise<RuleFile[] | undefined> {
  const found: RuleFile[] = [];
  let bytes = 0;
  try {
    for (const name of (await namesIn(directory, (name) => name.endsWith(".xml"))).toSorted()) {
      const path = join(directory, name);
      const text = await textOf(path);
      bytes += text?.length ?? 0;
      if (bytes > mostBytes) throw new DfnError("IO", `${directory} holds more than ${mostBytes} bytes of rules`);
      if (text === undefined || !integrationRule.test(withoutComments(text))) continue;
      const changedAtMs = Number((await statOwn(path)).mtimeMs);
      found.push({ path, changedAtMs, asksForOrigin: originRule.test(withoutComments(text)) });
    }
    return found;
  } catch (reason) {
    if (errnoOf(reason) === "EACCES") return undefined;
    if (isAbsent(reason)) return [];
    throw reason;
  }
}

/** Undefined where it is not a file of rules: a link of user wazuh's, a pipe, far too large. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return await wholeText(path, mostFileBytes);
  } catch (reason) {
    if (reason instanceof DfnError || isAbsent(reason)) return undefined;
    throw reason;
  }
}

/** In one pass: a pattern would take hours for a file that opens a million comments and closes none. */
function withoutComments(text: string): string {
  const kept: string[] = [];
  for (let from = 0; ;) {
    const begin = text.indexOf("<!--", from);
    if (begin < 0) return kept.concat(text.slice(from)).join("");
    kept.push(text.slice(from, begin));
    const end = text.indexOf("-->", begin);
    if (end < 0) return kept.join("");
    from = end + 3;
  }
}
