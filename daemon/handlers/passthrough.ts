import type { Alert } from "../alert/alert.ts";
import { digits, free, listOf, text, topic, whole } from "../config/values/schemas.ts";
import { section } from "../config/values/section.ts";
import { type Condition, decidedBy, type ExplainedHandler, isOneOf, listedNames } from "./conditions.ts";
import { defineHandler } from "./definition.ts";
import { osMatch } from "./os-match.ts";

/**
 * The conditions under which an alert is sent; all that are given must hold. They are the filters of integratord's own
 * block in ossec.conf, under the same names and with the same meaning.
 */
export interface PassthroughSettings {
  readonly topic: string;
  /** Minimum of `rule.level`; 0 for all. */
  readonly level?: number | undefined;
  /** `rule.groups` has any of these, to the letter. */
  readonly groups?: readonly string[] | undefined;
  /** `rule.id` is any of these numbers. */
  readonly ruleIds?: readonly string[] | undefined;
  /** A pattern for `location`; see `osMatch`. */
  readonly location?: string | undefined;
}

export const passthrough = defineHandler<"passthrough", PassthroughSettings>({
  name: "passthrough",
  description:
    "Alerts as they are, to a topic of their own; off by default. All conditions that are given must hold, as in the integration block of ossec.conf.",
  isOnByDefault: false,
  settings: section({
    topic: topic().meta({
      description: "The topic; not the one of dfn.customer_id.",
      examples: ["wazuh-alerts"],
    }),
    level: whole({ least: 0, most: 16 })
      .optional()
      .meta({ description: "The lowest rule level.", examples: [7] }),
    groups: listOf(text((group) => group))
      .optional()
      .meta({
        description: "Any of these groups of rules.",
        examples: [["sshd", "web"]],
      }),
    rule_ids: listOf(digits())
      .optional()
      .meta({ description: "Any of these rules.", examples: [[5710, 5712]] }),
    location: free(1024)
      .optional()
      .meta({
        description: "A pattern of the location (^ $ | and a leading !).",
        examples: ["!^dfn$"],
      }),
  }),
  leftOutReasons: [],
  wanted: ({ level = 0, groups }) => ({ level, groups }),
  conflict(settings, { customerId }) {
    if (settings.topic !== customerId) return undefined;
    const message = "is the topic of dfn.customer_id, whose reader expects other records; name a topic of its own";
    return { setting: "topic", message };
  },
  example: {
    settings: { topic: "wazuh-alerts", level: "7", groups: "sshd" },
    alert: {
      timestamp: "2026-11-21T10:00:00.123+0000",
      rule: { level: 10, id: "5712", groups: ["syslog", "sshd", "authentication_failures"] },
      agent: { id: "005", name: "shell1", ip: "192.0.2.5" },
      manager: { name: "manager" },
      id: "1795255200.9012",
      location: "/var/log/auth.log",
    },
  },
  create: (settings) => passthroughHandler(settings),
});

/**
 * Wazuh alerts as they are, to the byte, for everyone who wants them in Kafka. No feedback: an event for each alert
 * would double what the manager has to decode.
 */
export function passthroughHandler(settings: PassthroughSettings): ExplainedHandler {
  const { topic } = settings;
  return {
    name: passthrough.name,
    topics: [topic],
    needles: [{ kind: "all" }],
    ...decidedBy({
      subject: (alert) => alert,
      conditions: conditionsOf(settings),
      make: (alert) => ({ topic, value: alert.bytes }),
    }),
  };
}

/** Wazuh 4.14 source: src/os_integrator/integrator.c:184-275; an empty list filters nothing there either. */
function conditionsOf({ level = 0, groups = [], ruleIds = [], location }: PassthroughSettings): Condition<Alert>[] {
  const conditions: Condition<Alert>[] = [];
  if (location !== undefined) {
    const matches = osMatch(location);
    conditions.push({
      field: ["location"],
      must: `matches ${location}`,
      holds(alert) {
        const found = alert.member("location");
        return found?.kind === "string" && matches(found.text);
      },
    });
  }
  if (level > 0) {
    const holds = (alert: Alert): boolean => Math.trunc(alert.ruleLevel ?? 0) >= level;
    conditions.push({ field: ["rule", "level"], must: `is at least ${level}`, holds });
  }
  if (groups.length > 0) {
    const holds = (alert: Alert): boolean => alert.hasGroup((group) => groups.includes(group));
    conditions.push({ field: ["rule", "groups"], must: `has one of ${listedNames(groups)}`, holds });
  }
  if (ruleIds.length > 0) {
    const wanted: ReadonlySet<number> = new Set(ruleIds.map(Number));
    const holds = (alert: Alert): boolean => wanted.has(Number.parseInt(alert.ruleId ?? "", 10));
    conditions.push({ field: ["rule", "id"], must: isOneOf(ruleIds), holds });
  }
  return conditions;
}
