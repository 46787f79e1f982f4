import type { Alert } from "../alert/alert.ts";
import type { Handler, HandlerRecord } from "../contract.ts";
import { osMatch } from "./os-match.ts";

/** What chooses the alerts; all that are given must hold. They mean what an integration's tags of these names mean. */
export interface PassthroughConditions {
  readonly topic: string;
  /** Least `rule.level`; 0 for all. */
  readonly level?: number | undefined;
  /** Any of these stands in `rule.groups`, to the letter. */
  readonly groups?: readonly string[] | undefined;
  /** `rule.id` is any of these numbers. */
  readonly ruleIds?: readonly string[] | undefined;
  /** A pattern for `location`; see `osMatch`. */
  readonly location?: string | undefined;
}

type Condition = (alert: Alert) => boolean;

/**
 * Wazuh alerts as they are, to the byte, for everyone who wants them in Kafka. No feedback: an event for each alert
 * would double what the manager has to decode.
 */
export function passthroughHandler(settings: PassthroughConditions): Handler {
  const conditions = conditionsOf(settings);
  const { topic } = settings;
  return {
    name: "passthrough",
    needles: [{ kind: "all" }],
    record(alert: Alert): HandlerRecord | undefined {
      return conditions.every((holds) => holds(alert)) ? { topic, value: alert.bytes } : undefined;
    },
  };
}

/** Wazuh 4.14 source: src/os_integrator/integrator.c:184-275; an empty list filters nothing there either. */
function conditionsOf({ level = 0, groups = [], ruleIds = [], location }: PassthroughConditions): Condition[] {
  const conditions: Condition[] = [];
  if (location !== undefined) {
    const matches = osMatch(location);
    conditions.push((alert) => {
      const found = alert.member("location");
      return found?.kind === "string" && matches(found.text);
    });
  }
  if (level > 0) conditions.push((alert) => Math.trunc(alert.ruleLevel ?? 0) >= level);
  if (groups.length > 0) conditions.push((alert) => alert.hasGroup((group) => groups.includes(group)));
  if (ruleIds.length > 0) {
    const wanted: ReadonlySet<number> = new Set(ruleIds.map(Number));
    conditions.push((alert) => wanted.has(Number.parseInt(alert.ruleId ?? "", 10)));
  }
  return conditions;
}
