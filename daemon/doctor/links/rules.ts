import { errnoOf } from "../../errors.ts";
import type { OssecConf } from "../../wazuh/ossec-conf.ts";
import type { RulesetReading } from "../../wazuh/ruleset-plan.ts";
import { hasDecoder, hasRule } from "../../wazuh/ruleset.ts";
import { formatQueueAddress, type QueueAddress } from "../../wazuh/queue-address.ts";
import { failed, type CheckResult, ok, unknown, unseen, warning } from "../result.ts";
import { statOwn } from "../read.ts";
import { isLeftOutFile, newBudget, rulesetFiles, type RulesetFile, whyOf } from "../ruleset-files.ts";

/** Every part has a bounded length, so that no text makes it slow. */
const integrationRule = /<field\s{1,20}name="integration"[^>]{0,200}>\^?dfn\$?<\/field>/;
/** The location of the forwarder's events; see ossec-snippets/README.md. */
const originRule = /<location>\^dfn\$<\/location>/;

/** A file with rules for our feedback. */
interface RuleFile {
  readonly path: string;
  readonly changedAtMs: number;
  /** Whether its rules check where an event came from: those of older releases trust any log. */
  readonly asksForOrigin: boolean;
  /** How ossec.conf treats it. */
  readonly reading: RulesetReading;
}

export interface RulesFacts {
  readonly home: string;
  /** Undefined: the current user may not see them. */
  readonly files: readonly RuleFile[] | undefined;
  /** What these rules depend on, if ossec.conf excludes the file that has it. */
  readonly missing: { readonly what: string; readonly place: string; readonly why: string } | undefined;
  /** Undefined: unknown. */
  readonly analysisdStartedAtMs: number | undefined;
  /** On a worker, rules come from the master. */
  readonly isWorker: boolean;
}

/** Whether the forwarder's feedback raises alerts in Wazuh. Alerts are sent even without it. */
export function judgeRules(facts: RulesFacts): CheckResult[] {
  const { home, files, missing, analysisdStartedAtMs, isWorker } = facts;
  if (files === undefined) return [unseen(`${home}/etc/rules`)];
  const [file] = files;
  const install = isWorker ? "wazuh-dfn-install  # on the master; rules come from there" : "wazuh-dfn-install";
  if (file === undefined) {
    return [
      warning("there are no rules for the forwarder's feedback: what it reports to Wazuh raises no alert", install),
    ];
  }
  const name = file.path.slice(home.length + 1);
  const restart = `${home}/bin/wazuh-control restart`;
  if (file.reading.kind === "left-out") {
    const remedy = `vi ${home}/etc/ossec.conf  # let <ruleset> read it; then: ${restart}`;
    return [failed(`${name} is not read: ${file.reading.why}`, remedy)];
  }
  if (file.reading.kind === "unclear") {
    return [
      unknown(`it is not known whether ${name} is read: ${file.reading.why}`, `${home}/bin/wazuh-logtest-legacy -t`),
    ];
  }
  if (missing !== undefined) {
    const text = `${name} has no effect without ${missing.what}: ${missing.place} is not read, because ${missing.why}`;
    return [failed(text, `vi ${home}/etc/ossec.conf  # let <ruleset> read it; then: ${restart}`)];
  }
  if (analysisdStartedAtMs !== undefined && file.changedAtMs > analysisdStartedAtMs + 1000) {
    const text = `${name} was changed after analysisd was started, so it may not be loaded`;
    return [warning(text, `${restart}  # or the API: PUT /manager/analysisd/reload`)];
  }
  if (!file.asksForOrigin) {
    const text = `${name} is from an older release: any log with "integration":"dfn" in it raises these alerts, and is hidden from other rules`;
    return [warning(text, install)];
  }
  return [ok(`the rules for the forwarder's feedback are in ${name}`)];
}

/** If events go over TCP, this machine cannot see which rules handle them. */
export function rulesBehind(relay: QueueAddress): CheckResult {
  const text = `it cannot be seen from here whether the manager behind ${formatQueueAddress(relay)} has the rules for the forwarder's feedback`;
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
  const budget = newBudget();
  try {
    const rules = await rulesetFiles(home, conf, "rule", budget);
    const decoders = await rulesetFiles(home, conf, "decoder", budget);
    const found: RuleFile[] = [];
    for (const { path, text, reading } of rules) {
      const plain = integrationRule.test(text) ? withoutComments(text) : "";
      if (!integrationRule.test(plain)) continue;
      const changedAtMs = Number((await statOwn(path)).mtimeMs);
      found.push({ path, changedAtMs, asksForOrigin: originRule.test(plain), reading });
    }
    // One that is read comes before one that is not.
    const files = found.toSorted((one, other) => Number(isOut(one)) - Number(isOut(other)));
    return { home, files, missing: missingOf(rules, decoders), analysisdStartedAtMs, isWorker };
  } catch (reason) {
    if (errnoOf(reason) !== "EACCES") throw reason;
    return { home, files: undefined, missing: undefined, analysisdStartedAtMs, isWorker };
  }
}

function isOut({ reading }: RuleFile): boolean {
  return reading.kind === "left-out";
}

/**
 * What our rules depend on in Wazuh's own files: the decoder of JSON, and the rule for the output of commands. If one is
 * in no file at all, nothing is reported: a manager without them does not start.
 */
function missingOf(rules: readonly RulesetFile[], decoders: readonly RulesetFile[]): RulesFacts["missing"] {
  const needs = [
    { what: "the decoder json", files: decoders, has: (text: string) => hasDecoder(text, "json") },
    { what: "rule 530", files: rules, has: (text: string) => hasRule(text, "530") },
  ];
  for (const { what, files, has } of needs) {
    const having = files.filter(({ text }) => has(text));
    const [first] = having;
    if (first === undefined || !having.every(isLeftOutFile)) continue;
    return { what, place: first.place, why: whyOf(first) };
  }
  return undefined;
}

/** In one pass: a regular expression would take hours for a file that opens a million comments and closes none. */
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
