/**
 * What analysisd's queue takes: `<queue>:<location>:<message>` in one datagram of at most 65,535 bytes; it cuts a longer
 * one off without a word, and ends it at a NUL (Wazuh 4.14 source: analysisd/analysisd.c:1211-1219, cleanevent.c:28-56).
 */

import type { ReasonCode } from "../telemetry/reason-codes.ts";

/** What analysisd takes of one event. */
export const maxEventBytes = 65_535;

export interface AcknowledgedEvent {
  readonly alertId: string;
  readonly agentId?: string | undefined;
  readonly agentName?: string | undefined;
  readonly agentIp?: string | undefined;
  readonly eventFormat: string;
  readonly eventId: string | null;
  readonly winTimestamp: string | null;
  /** The alert's own. */
  readonly timestamp?: string | undefined;
}

export interface ErrorEvent {
  readonly code: number;
  readonly description: string;
  /** What the rules distinguish; a warning if it is left out. */
  readonly status?: "dead-letter";
}

/** Something about the forwarder itself that goes wrong, or is well again. */
export interface StatusEvent {
  readonly status: "degraded" | "recovered";
  /** Of what goes wrong; docs/runbook.md has a section for each. */
  readonly code?: ReasonCode;
  readonly subject: string;
  readonly text: string;
}

/** Queue LOCALFILE, which all integrations use (headers/mq_op.h:18-29). */
const queue = "1";
const location = "dfn";

/** Longest name that Wazuh gives an agent, generously; a longer one is not an agent's. */
const maxNameLength = 256;
/** One character takes 6 bytes of JSON at most (`\u0000`), so that no event outgrows a datagram. */
const maxTextLength = 1024;
const maxDescriptionLength = 8192;

/** The event that says: the sink has the alert's record. It is an event of the alert's own agent. */
export function acknowledgedMessage(event: AcknowledgedEvent): string {
  const { agentName, eventFormat, eventId, winTimestamp, timestamp } = event;
  return message(agentPrefix(event), {
    integration: "dfn",
    alert_id: shorten(event.alertId),
    agent_name: shorten(agentName ?? null),
    dfn: {
      event_format: shorten(eventFormat),
      event_id: shorten(eventId),
      win_timestamp: shorten(winTimestamp),
      wz_timestamp: shorten(timestamp ?? null),
    },
  });
}

/** An error, as an event of the manager. */
export function errorMessage({ code, description, status }: ErrorEvent): string {
  return message("", {
    integration: "dfn",
    error: code,
    description: shorten(description, maxDescriptionLength),
    ...(status === undefined ? {} : { dfn: { status } }),
  });
}

/** The forwarder's own state, as an event of the manager. */
export function statusMessage({ status, code, subject, text }: StatusEvent): string {
  const what = { subject: shorten(subject), text: shorten(text, maxDescriptionLength) };
  return message("", {
    integration: "dfn",
    dfn: { status, ...what, ...(code === undefined ? {} : { code }) },
  });
}

/** JSON escapes control characters, so that it contains neither a NUL nor a newline. */
function message(prefix: string, body: object): string {
  return `${queue}:${prefix}${location}:${JSON.stringify(body)}`;
}

/**
 * `[001] (name) ip->`, by which analysisd takes the event for the agent's (cleanevent.c:543-587). Empty for the manager
 * itself (agent 000), for alerts without an agent, and if the alert's text cannot be an agent's.
 */
function agentPrefix({ agentId, agentName, agentIp = "any" }: AcknowledgedEvent): string {
  if (agentId === undefined || agentId === "000" || !/^\d{1,16}$/.test(agentId)) return "";
  if (agentName === undefined || !isName(agentName) || !isName(agentIp)) return "";
  // `|` is the escape character of the location, and an unescaped `:` ends it (string_op.c:321-379).
  return `${`[${agentId}] (${agentName}) ${agentIp}`.replace(/[|:]/g, "|$&")}->`;
}

function isName(text: string): boolean {
  return text !== "" && text.length <= maxNameLength && !/\p{Cc}/u.test(text);
}

function shorten<T extends string | null>(text: T, length = maxTextLength): string | T {
  return text === null || text.length <= length ? text : `${text.slice(0, length - 3)}...`;
}
