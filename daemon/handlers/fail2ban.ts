import type { Alert } from "../alert/alert.ts";
import type { Value } from "../alert/value.ts";
import type { Handler, HandlerRecord, LeftOutReason } from "../contract.ts";
import { parseIpAddress } from "../net/address.ts";
import { isGlobal } from "../net/global-address.ts";
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
 * Addresses that fail2ban has banned, as syslog lines. Where own networks are configured, only addresses that lie in
 * none of them and are globally routable; without any, all.
 * @throws DfnError CONFIG when one of `ownNetworks` is no network
 */
export function fail2banHandler(topic: string, ownNetworks: readonly string[]): Handler {
  const networks = ownNetworks.map(parseNetwork);
  const isForeign = (text: string): boolean => {
    const address = parseIpAddress(text);
    return address !== undefined && isGlobal(address) && !networks.some((network) => contains(network, address));
  };
  return {
    name: "fail2ban",
    needles: [{ kind: "text", bytes: Buffer.from(program) }],
    record(alert: Alert): HandlerRecord | undefined {
      const fields = alert.member("data")?.members();
      const source = textOf(fields?.get("srcip"));
      const name = fields?.get("program_name");
      if (source === "" || name?.kind !== "string" || name.text !== program || !isOfGroup(alert)) {
        return undefined;
      }
      if (networks.length > 0 && !isForeign(source)) return undefined;
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
    },
    leftOut,
  };
}

/** An alert with an address, of a group that reads like fail2ban, that lacks one of the other two conditions. */
function leftOut(alert: Alert): LeftOutReason | undefined {
  const fields = alert.member("data")?.members();
  if (textOf(fields?.get("srcip")) === "") return undefined;
  if (!alert.hasGroup((name) => name.trim() === group)) return undefined;
  const name = textOf(fields?.get("program_name"));
  if (name === "") return "fail2ban-program-name";
  return name === program && !isOfGroup(alert) ? "fail2ban-group" : undefined;
}

/** The line from where its level stands; all of it where no level is given or it does not stand in it. */
function fromLevel(line: string, level: string): string {
  return level === "" ? line : line.slice(Math.max(line.indexOf(level), 0));
}

function processId(pid: Value | undefined): Field[] {
  return pid === undefined ? [] : [["procId", pid]];
}

function isOfGroup(alert: Alert): boolean {
  return alert.hasGroup((name) => name === group);
}
