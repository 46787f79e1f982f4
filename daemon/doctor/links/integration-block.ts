import { osMatch } from "../../handlers/os-match.ts";
import { type HandlersSettings, wantedAlerts } from "../../handlers/registry.ts";
import { shellWord } from "../../printable.ts";
import { type OssecConf } from "../../wazuh/ossec-conf.ts";
import { failed, type CheckResult, ok, warning } from "../result.ts";

/** Every tag that integratord knows; any other stops the whole manager from starting (config/integrator-config.c:19-30). */
const knownTags: readonly string[] =
  "name hook_url api_key level rule_id group event_location alert_format max_log options timeout retries".split(" ");

/** The settings of one `<integration>`, untrimmed, since blanks count. */
export type Block = ReadonlyMap<string, string>;

export interface BlockFacts {
  readonly home: string;
  readonly blocks: readonly Block[];
  readonly isCommentedOut: boolean;
  /** Where the forwarder listens. */
  readonly socketPath: string;
  readonly defaultSocketPath: string;
  readonly isTailOn: boolean;
  readonly handlers: HandlersSettings;
}

/** The blocks that call custom-dfn. */
export function blocksOf(conf: OssecConf): Block[] {
  return conf.sections
    .filter(({ name }) => name === "integration")
    .map(({ children }) => new Map(children.map(({ name, text }) => [name, text])))
    .filter((block) => block.get("name")?.trim() === "custom-dfn");
}

/** Path of the socket that a block passes to custom-dfn. */
export function socketOf(block: Block, defaultPath: string): string {
  const url = block.get("hook_url")?.trim() ?? "";
  return url.startsWith("unix:") && url.length > 5 ? url.slice(5).replaceAll("\\ ", " ") : defaultPath;
}

interface LeftOutFacts {
  /** The installer's choice: `yes` or `no`; undefined if its record does not exist or may not be read. */
  readonly recorded: string | undefined;
  readonly hasBlock: boolean;
  readonly isCommentedOut: boolean;
  readonly isTailOn: boolean;
  /** Whether custom-dfn is among the manager's integrations. */
  readonly hasProgram: boolean;
}

/**
 * Whether integratord was left out on purpose (`wazuh-dfn-install --no-integration`). Without the installer's record,
 * which only root may read, that neither block nor custom-dfn exists means the same. With the tail off this cannot be
 * intended: no alert would arrive.
 */
export function isBlockLeftOut({ recorded, hasBlock, isCommentedOut, isTailOn, hasProgram }: LeftOutFacts): boolean {
  if (!isTailOn || hasBlock) return false;
  return recorded === undefined ? !isCommentedOut && !hasProgram : recorded === "no";
}

export const leftOut = ok(
  "integratord is left out (wazuh-dfn-install --no-integration): alerts arrive only through the tail, up to a second later",
);

/** Whether integratord delivers what the forwarder wants, to where it listens. */
export function judgeBlock(facts: BlockFacts): CheckResult[] {
  const { home, blocks, isTailOn, isCommentedOut } = facts;
  const fault = isTailOn ? warning : failed;
  const only = isTailOn
    ? "; alerts arrive only through the tail, a second later"
    : "; with the tail off no alert arrives at all";
  const [block, ...more] = blocks;
  if (block === undefined) {
    const why = isCommentedOut ? "the block for custom-dfn is commented out" : "there is no block for custom-dfn";
    return [fault(`${home}/etc/ossec.conf: ${why}${only}`, "wazuh-dfn-install")];
  }
  const results = [
    ...deadly(facts, block),
    ...narrowings(facts, block).map((what) => fault(what.text, edit(home, what.do))),
  ];
  if (more.length > 0) {
    const text = `${blocks.length} blocks call custom-dfn: each alert costs ${blocks.length} calls`;
    results.push(warning(text, edit(home, "keep one of them")));
  }
  return results.length > 0 ? results : [ok("present, enabled, and delivers everything that the forwarder wants")];
}

function edit(home: string, what: string): string {
  return `vi ${home}/etc/ossec.conf  # ${what}; then: ${home}/bin/wazuh-control restart`;
}

/** Faults because of which no alert arrives, or the manager does not start. */
function deadly(facts: BlockFacts, block: Block): CheckResult[] {
  const { home, socketPath, defaultSocketPath } = facts;
  const results: CheckResult[] = [];
  const unknown = [...block.keys()].filter((tag) => !knownTags.includes(tag));
  if (unknown.length > 0) {
    const text = `the block has <${unknown.join(">, <")}>, which integratord does not know: the manager will not start any more`;
    results.push(failed(text, edit(home, "remove it")));
  }
  // A prefix is enough (Wazuh 4.14 source: src/os_integrator/integrator.c:289).
  if (block.get("alert_format")?.trimStart().startsWith("json") !== true) {
    const text = "alert_format is not json: custom-dfn gets a text that it cannot parse, so the block has no effect";
    results.push(failed(text, edit(home, "<alert_format>json</alert_format>")));
  }
  const hookPath = socketOf(block, defaultSocketPath);
  if (hookPath !== socketPath) {
    const text = `hook_url points to ${hookPath}, but the forwarder listens on ${socketPath}`;
    results.push(failed(text, edit(home, `<hook_url>unix:${socketPath}</hook_url>`)));
  }
  if (facts.isTailOn && /"tail"\s*:\s*false/.test(block.get("options") ?? "")) {
    const text = "options say that the tail is off, but it is on: integratord waits for Kafka needlessly";
    results.push(warning(text, edit(home, "remove <options>")));
  }
  return results;
}

/** What the block's filters hold back although the forwarder wants it. */
function narrowings({ handlers }: BlockFacts, block: Block): { text: string; do: string }[] {
  const found: { text: string; do: string }[] = [];
  const wanted = wantedAlerts(handlers);
  const level = Number(block.get("level")?.trim() ?? "0");
  if (wanted.some((alerts) => level > alerts.level)) {
    found.push({ text: `<level>${level} holds back alerts of a lower level`, do: "remove <level>" });
  }
  const ruleIds = block.get("rule_id");
  // Without a digit it filters nothing (src/config/integrator-config.c:104-164).
  if (ruleIds !== undefined && /\d/.test(ruleIds)) {
    found.push({ text: `<rule_id> holds back all alerts except those of ${ruleIds.trim()}`, do: "remove <rule_id>" });
  }
  const groups = block.get("group");
  if (groups !== undefined && groups !== "") {
    const passed = groups.split(",");
    const wantedGroups = wanted.flatMap((alerts) => alerts.groups ?? []);
    const ofAnyGroup = wanted.find((alerts) => alerts.groups === undefined);
    const missing = wantedGroups.filter((group) => !passed.includes(group));
    if (missing.length > 0) {
      const blank = passed.some((group) => group.trim() !== group) ? " (spaces next to the commas count)" : "";
      const text = `<group>${groups}${blank} holds back alerts of group ${missing.join(", ")}`;
      found.push({
        text,
        do: shellWord(
          `<group>${[...new Set([...passed.map((one) => one.trim()), ...wantedGroups])].join(",")}</group>`,
        ),
      });
    } else if (ofAnyGroup !== undefined) {
      const text = `<group>${groups} holds back alerts for ${ofAnyGroup.handler}, which has no groups`;
      found.push({ text, do: "remove <group>" });
    }
  }
  const location = block.get("event_location");
  if (location !== undefined) {
    const matches = osMatch(location);
    const kept = wanted.flatMap(({ location: usual }) => (usual === undefined || matches(usual) ? [] : [usual]));
    if (kept.length > 0) {
      const text = `<event_location>${location} holds back alerts of ${kept.join(", ")}`;
      found.push({ text, do: "<event_location>!^dfn$</event_location>" });
    }
  }
  return found;
}
