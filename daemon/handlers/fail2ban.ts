import type { Alert } from "../alert/alert.ts";
import type { Members } from "../alert/json.ts";
import type { Value } from "../alert/value.ts";
import { section } from "../config/values/section.ts";
import { parseIpAddress } from "../net/address.ts";
import { isGlobal } from "../net/global-address.ts";
import { type Condition, decidedBy, type ExplainedHandler, listedNames } from "./conditions.ts";
import { defineHandler } from "./definition.ts";
import { type Field, jsonObject, textOf } from "./json-value.ts";
import { contains, parseNetwork } from "../net/network.ts";

const program = "fail2ban.actions";
const group = "fail2ban";
/** Some decoders leave the program's name in front of the log line: ten characters go, whatever the last two are. */
const leadingName = /^fail2ban[^]{0,2}/u;

/** Syslog facility 4, security; its priority is eight times that. */
const facility = 4;
const severities: ReadonlyMap<string, number> = new Map([
  ["NOTICE", 5],
  ["WARNING", 4],
  ["ERROR", 3],
]);
const defaultSeverity = 6;

/**
 * Why an alert that looks like one of fail2ban's is not sent.
 * - fail2ban-program-name: it has an address and the group, but no `data.program_name`: public decoders leave that in
 *   `predecoder`.
 * - fail2ban-group: it has everything but the group's exact name, which has a blank or a line break around it.
 */
type Fail2banLeftOut = "fail2ban-program-name" | "fail2ban-group";

export const fail2ban = defineHandler({
  name: "fail2ban",
  description: "Bans of fail2ban.",
  isOnByDefault: true,
  settings: section({}),
  leftOutReasons: ["fail2ban-program-name", "fail2ban-group"] satisfies Fail2banLeftOut[],
  wanted: () => ({ level: 0, groups: [group], location: "/var/log/fail2ban.log" }),
  example: {
    settings: {},
    alert: {
      timestamp: "2026-11-21T10:00:00.123+0000",
      rule: { level: 8, id: "100101", groups: ["syslog", "fail2ban"] },
      agent: { id: "004", name: "web1", ip: "192.0.2.4" },
      manager: { name: "manager" },
      id: "1795255200.5678",
      full_log: "2026-11-21 10:00:00,123 fail2ban.actions [812]: NOTICE [sshd] Ban 203.0.113.9",
      data: { program_name: "fail2ban.actions", srcip: "203.0.113.9", severity: "NOTICE", pid: "812" },
      location: "/var/log/fail2ban.log",
    },
  },
  create: (_settings, { customerId, ownNetwork }) => fail2banHandler(customerId, ownNetwork),
});

/**
 * Addresses that fail2ban has banned, as syslog lines. If own networks are configured, only addresses that are in none of
 * them and are globally routable; otherwise all.
 * @throws DfnError CONFIG when one of `ownNetworks` is not a network
 */
export function fail2banHandler(topic: string, ownNetworks: readonly string[]): ExplainedHandler {
  return {
    name: fail2ban.name,
    topics: [topic],
    needles: [{ kind: "text", bytes: Buffer.from(program) }],
    ...decidedBy({ subject: banOf, conditions: [...banConditions, ...foreignConditions(ownNetworks)], make }),
    leftOut,
  };

  function make(alert: Alert, { fields }: Ban) {
    const level = textOf(fields?.get("severity"));
    const severity = severities.get(level) ?? defaultSeverity;
    const priority = facility * 8 + severity;
    const line = `<${priority}> 1 ${textOf(alert.member("full_log")).replace(leadingName, "")}`;
    return {
      topic,
      value: jsonObject([
        ["timestamp", alert.member("timestamp") ?? null],
        ["event_format", "syslog5424-json"],
        ["event_forward", true],
        ["event_parser", "wazuh"],
        ["event_source", "soc-agent"],
        ["hostName", textOf(alert.member("agent", "name"))],
        ["structuredData", ""],
        ["body", fromLevel(line, level)],
        ["appName", program],
        ["appInst", program],
        ...processId(fields?.get("pid")),
        ["facility", String(facility)],
        ["priority", priority],
        ["severity", severity],
        ["event_raw", line],
      ]),
      feedback: { eventFormat: "syslog5424-json", eventId: null, winTimestamp: null },
    };
  }
}

/** What may be a ban. */
interface Ban {
  readonly alert: Alert;
  /** Of `data`. */
  readonly fields: Members | undefined;
  /** The text of `data.srcip`; empty if there is none. */
  readonly source: string;
}

function banOf(alert: Alert): Ban {
  const fields = alert.member("data")?.members();
  return { alert, fields, source: textOf(fields?.get("srcip")) };
}

const banConditions: readonly Condition<Ban>[] = [
  { field: ["data", "srcip"], must: "is not empty", holds: ({ source }) => source !== "" },
  {
    field: ["data", "program_name"],
    must: `is ${program}`,
    holds({ fields }) {
      const name = fields?.get("program_name");
      return name?.kind === "string" && name.text === program;
    },
  },
  { field: ["rule", "groups"], must: `has ${group}`, holds: ({ alert }) => isOfGroup(alert) },
];

/** What holds for addresses that are not of one's own; none without own networks. */
function foreignConditions(ownNetworks: readonly string[]): readonly Condition<Ban>[] {
  const networks = ownNetworks.map(parseNetwork);
  if (networks.length === 0) return [];
  const field = ["data", "srcip"] as const;
  return [
    {
      field,
      must: "is a public address",
      holds({ source }) {
        const address = parseIpAddress(source);
        return address !== undefined && isGlobal(address);
      },
    },
    {
      field,
      must: `is an address outside of dfn.own_network (${listedNames(ownNetworks)})`,
      holds({ source }) {
        const address = parseIpAddress(source);
        return address !== undefined && !networks.some((network) => contains(network, address));
      },
    },
  ];
}

/** An alert with an address, of a group that reads like fail2ban, that lacks one of the other two conditions. */
function leftOut(alert: Alert): Fail2banLeftOut | undefined {
  const fields = alert.member("data")?.members();
  if (textOf(fields?.get("srcip")) === "") return undefined;
  if (!alert.hasGroup((name) => name.trim() === group)) return undefined;
  const name = textOf(fields?.get("program_name"));
  if (name === "") return "fail2ban-program-name";
  return name === program && !isOfGroup(alert) ? "fail2ban-group" : undefined;
}

/** The line from its level on; all of it if no level is given or the line does not contain it. */
function fromLevel(line: string, level: string): string {
  return level === "" ? line : line.slice(Math.max(line.indexOf(level), 0));
}

function processId(pid: Value | undefined): Field[] {
  return pid === undefined ? [] : [["procId", pid]];
}

function isOfGroup(alert: Alert): boolean {
  return alert.hasGroup((name) => name === group);
}
