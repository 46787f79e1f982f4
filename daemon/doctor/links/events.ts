import type { EventReport } from "../../delivery/event-watch.ts";
import { errnoOf } from "../../errors.ts";
import { type OssecConf, settingOf } from "../../wazuh/ossec-conf.ts";
import { decoderOf, type EventRule, eventRulesIn, fail2banDecodersIn, hasRule } from "../../wazuh/ruleset.ts";
import { type CheckResult, ok, unseen, warning } from "../result.ts";
import { statOwn } from "../read.ts";
import { isLeftOutFile, newBudget, readRemedy, rulesetFiles, type RulesetFile, whyOf } from "../ruleset-files.ts";

/** Maximum rules that are named in one line. */
const maxShown = 5;

/** Events for which `wazuh-dfn-install` installs a rule. */
const ours: ReadonlySet<string> = new Set(["4964", "4794", "4724", "4697", "4702", "4672", "3697", "1100"]);

export interface EventFacts {
  readonly home: string;
  /** Undefined: the handler is off. */
  readonly eventIds: readonly string[] | undefined;
  readonly isFail2banOn: boolean;
  /** Undefined: the current user may not see them. */
  readonly ruleset: Ruleset | undefined;
  readonly logAlertLevel: number;
  readonly isWorker: boolean;
  /** Undefined: no forwarder answers, or an old one. */
  readonly events: EventReport | undefined;
}

export interface Ruleset {
  readonly rules: readonly EventRule[];
  readonly decoders: ReadonlyMap<string, boolean>;
  /** Files that were changed after analysisd was started. */
  readonly changed: ReadonlySet<string>;
  /** What ossec.conf excludes. */
  readonly leftOut: {
    readonly files: readonly RulesetFile[];
    /** The relevant rules as they would be if no file were excluded; empty if none is. */
    readonly rules: readonly EventRule[];
    readonly decoders: readonly RulesetFile[];
  };
}

/** Whether the manager's rules can raise an alert for each event that is forwarded. */
export function judgeEvents(facts: EventFacts): CheckResult[] {
  const { home, eventIds, isFail2banOn, ruleset } = facts;
  if (eventIds === undefined && !isFail2banOn) return [];
  const leftOut = isFail2banOn ? judgeLeftOut(facts) : [];
  if (ruleset === undefined) return [unseen(`the rules in ${home}/etc/rules`), ...leftOut];
  const windows = (eventIds ?? []).map((id) => {
    const isOf = ({ eventIds: patterns }: EventRule): boolean => isNamed(patterns, id);
    const rules = ruleset.rules.filter(isOf);
    const remedy = ours.has(id)
      ? install(facts)
      : `vi ${home}/etc/rules/local_rules.xml  # a rule for win.system.eventID ^${id}$, if_sid 60103`;
    return judgeRaised({ facts, ruleset, what: `Windows event ${id}`, key: id, rules, isOf, remedy });
  });
  return [...windows, ...(isFail2banOn ? judgeFail2ban(facts, ruleset) : []), ...leftOut];
}

function isNamed(patterns: readonly RegExp[], id: string): boolean {
  return patterns.length > 0 && patterns.every((pattern) => pattern.test(id));
}

function install({ isWorker }: EventFacts): string {
  return isWorker ? "wazuh-dfn-install  # on the master; rules and decoders come from there" : "wazuh-dfn-install";
}

interface Raised {
  readonly facts: EventFacts;
  readonly ruleset: Ruleset;
  readonly what: string;
  /** Of `lastSeen`. */
  readonly key: string;
  readonly rules: readonly EventRule[];
  /** Whether a rule is one of them, wherever it is. */
  readonly isOf: (rule: EventRule) => boolean;
  readonly remedy: string;
}

function judgeRaised({ facts, ruleset, what, key, rules, isOf, remedy }: Raised): CheckResult {
  const { home, logAlertLevel, events } = facts;
  const at = events?.lastSeen[key];
  const seen =
    events === undefined ? "" : at === undefined ? "; none seen since the forwarder started" : `; last seen ${at}`;
  const raising = rules.filter(({ level }) => level >= Math.max(1, logAlertLevel));
  const restart = `${home}/bin/wazuh-control restart`;
  if (raising.length > 0) {
    if (raising.every(({ file }) => ruleset.changed.has(file))) {
      const text = `${what}: ${listed(raising)} may not be loaded, because the file was changed after analysisd was started${seen}`;
      return warning(text, restart);
    }
    return ok(`${what}: ${listed(raising)}${seen}`);
  }
  const silent = rules.filter(({ level }) => level > 0);
  if (silent.length > 0) {
    const text = `${what}: ${listed(silent)} below log_alert_level ${logAlertLevel}, so it is not written to alerts.json${seen}`;
    return warning(
      text,
      `vi ${home}/etc/ossec.conf  # lower <log_alert_level>, or raise the rule's level; then: ${restart}`,
    );
  }
  const culprit = culpritOf(ruleset, isOf, Math.max(1, logAlertLevel));
  if (culprit !== undefined) {
    const text = `${what}: no rule raises an alert for it, because ${culprit.place} is not read: ${whyOf(culprit)}${seen}`;
    return warning(text, readRemedy(home, culprit));
  }
  const level0 = rules.length > 0 ? ` (${listed(rules)})` : "";
  return warning(`${what}: no rule raises an alert for it${level0}${seen}`, remedy);
}

/** The file without which a rule that would raise the alert is not there: its own, or that of a rule above it. */
function culpritOf({ leftOut }: Ruleset, isOf: (rule: EventRule) => boolean, level: number): RulesetFile | undefined {
  for (const rule of leftOut.rules.filter((one) => one.level >= level && isOf(one))) {
    const own = leftOut.files.find(({ path }) => path === rule.file);
    const above = leftOut.files.find(({ text }) => rule.parents.some((id) => hasRule(text, id)));
    if (own !== undefined || above !== undefined) return own ?? above;
  }
  return undefined;
}

function listed(rules: readonly EventRule[]): string {
  const shown = rules.slice(0, maxShown).map(({ id, level }) => `${id} (level ${level})`);
  const more = rules.length > maxShown ? ` and ${rules.length - maxShown} more` : "";
  return `rule ${shown.join(", ")}${more}`;
}

function isOfFail2ban({ groups }: EventRule): boolean {
  return groups.includes("fail2ban");
}

function judgeFail2ban(facts: EventFacts, ruleset: Ruleset): CheckResult[] {
  const byId = new Map(ruleset.rules.map((rule) => [rule.id, rule]));
  const named = ruleset.rules.filter(isOfFail2ban);
  // A decoder of another name may set everything that is needed; those with the name in it are all known.
  const isWhole = (rule: EventRule): boolean => {
    const name = decoderOf(rule, byId) ?? "";
    return ruleset.decoders.get(name) ?? !name.includes("fail2ban");
  };
  const rules = named.filter(isWhole);
  const found = [
    judgeRaised({
      facts,
      ruleset,
      what: "fail2ban",
      key: "fail2ban",
      rules,
      isOf: isOfFail2ban,
      remedy: install(facts),
    }),
  ];
  const decoders = ruleset.leftOut.decoders.find(({ text }) => fail2banDecodersIn([text]).size > 0);
  if (rules.length === 0 && decoders !== undefined) {
    const text = `fail2ban: ${decoders.place} is not read: ${whyOf(decoders)}`;
    found.push(warning(text, readRemedy(facts.home, decoders)));
  }
  const level = Math.max(1, facts.logAlertLevel);
  // Our rule for syslog says itself that it is not sent.
  const ownDecoder = "dfn-fail2ban-syslog";
  const halves = named.filter((rule) => {
    const name = decoderOf(rule, byId) ?? "";
    return rule.level >= level && ruleset.decoders.get(name) === false && name !== ownDecoder;
  });
  if (halves.length > 0) {
    const text = `fail2ban: ${listed(halves)} uses a decoder that does not set program_name and srcip: its alerts are not sent`;
    found.push(warning(text, decoderRemedy(facts)));
  }
  const blank = ruleset.rules.filter(
    ({ groups }) => !groups.includes("fail2ban") && groups.some((name) => name.trim() === "fail2ban"),
  );
  if (blank.length > 0) {
    const text = `fail2ban: ${listed(blank)} has a space or a line break next to the group's name: its alerts are not sent`;
    found.push(warning(text, groupRemedy(facts)));
  }
  return found;
}

function judgeLeftOut(facts: EventFacts): CheckResult[] {
  const { "fail2ban-program-name": program = 0, "fail2ban-group": group = 0 } = facts.events?.leftOut ?? {};
  const found: CheckResult[] = [];
  if (program > 0) {
    const text = `fail2ban: ${program} alerts were left out because data.program_name is missing; with syslog it is in predecoder.program_name, which no record uses`;
    found.push(warning(text, decoderRemedy(facts)));
  }
  if (group > 0) {
    const text = `fail2ban: ${group} alerts were left out because their group has a space or a line break next to its name`;
    found.push(warning(text, groupRemedy(facts)));
  }
  return found;
}

function decoderRemedy(facts: EventFacts): string {
  return `${install(facts)}  # decoder dfn-fail2ban; agents: see agent-fail2ban.xml in /usr/lib/wazuh-dfn/snippets`;
}

function groupRemedy({ home }: EventFacts): string {
  return `vi ${home}/etc/rules/local_rules.xml  # write <group name="syslog,fail2ban,"> without spaces; then: ${home}/bin/wazuh-control restart`;
}

/** @param analysisdStartedAtMs undefined: unknown */
export async function lookAtRuleset(
  home: string,
  conf: OssecConf | undefined,
  analysisdStartedAtMs: number | undefined,
): Promise<Ruleset | undefined> {
  const budget = newBudget();
  try {
    const rules = await rulesetFiles(home, conf, "rule", budget);
    const decoders = await rulesetFiles(home, conf, "decoder", budget);
    const changed = new Set<string>();
    for (const { path } of rules) {
      if (analysisdStartedAtMs === undefined) break;
      if (Number((await statOwn(path)).mtimeMs) > analysisdStartedAtMs + 1000) changed.add(path);
    }
    return {
      rules: eventRulesIn(rules.filter((file) => !isLeftOutFile(file))),
      decoders: fail2banDecodersIn(decoders.flatMap((file) => (isLeftOutFile(file) ? [] : [file.text]))),
      changed,
      leftOut: {
        files: rules.filter(isLeftOutFile),
        rules: rules.some(isLeftOutFile) ? eventRulesIn(rules) : [],
        decoders: decoders.filter(isLeftOutFile),
      },
    };
  } catch (reason) {
    if (errnoOf(reason) === "EACCES") return undefined;
    throw reason;
  }
}

/** Lowest level of alerts that are written; 3 is Wazuh's default. */
export function logAlertLevelOf(conf: OssecConf | undefined): number {
  const level = conf === undefined ? undefined : settingOf(conf, "alerts", "log_alert_level");
  return level !== undefined && /^\d{1,2}$/.test(level) ? Number(level) : 3;
}
