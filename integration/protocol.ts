/**
 * The line protocol between custom-dfn and the forwarder. The client writes one alert per line; the server answers
 * each line, in order, with `<status> <id or -> [<reason>]`.
 */

/** Where the forwarder listens when nothing else is configured. */
export const defaultSocketPath = "/run/wazuh-dfn/alerts.sock";

/**
 * - accepted: the forwarder has taken the alert; the tail has it too.
 * - delivered: the sink acknowledged it.
 * - ignored: no handler wants it.
 * - duplicate: it was shipped already.
 * - rejected: it is not JSON, too long or without an id; the reason says which.
 */
export const statuses = ["accepted", "delivered", "ignored", "duplicate", "rejected"] as const;

export type Status = (typeof statuses)[number];

export interface Answer {
  readonly status: Status;
  /** The alert's id; undefined if it has none, or none that fits into a word of the line. */
  readonly id: string | undefined;
  readonly reason?: string;
}

/** Longest answer, newline included; a client may stop reading there. */
export const maxAnswerBytes = 512;

/**
 * Path of the file that says: the tail is off, so an alert that the forwarder did not answer for has no second way.
 * The forwarder keeps it next to its socket, even while stopped; custom-dfn checks whether it exists.
 */
export function tailOffMarker(socketPath: string): string {
  return `${socketPath}.tail-off`;
}

/** The answer as a line, newline included. Id and reason are untrusted: they cannot break the line or make it long. */
export function formatAnswer(answer: Answer): string {
  const id = answer.id !== undefined && /^[\x21-\x7e]{1,64}$/.test(answer.id) ? answer.id : "-";
  if (answer.reason === undefined) return `${answer.status} ${id}\n`;
  const reason = answer.reason.replace(/[^\x20-\x7e]+/g, " ").slice(0, 300);
  return `${answer.status} ${id} ${reason}\n`;
}

/** Reads a line without its newline; undefined if it is not an answer. */
export function parseAnswer(line: string): Answer | undefined {
  const [, word, id, reason] = /^(\S+) (\S+)(?: (.*))?$/.exec(line) ?? [];
  const status = statuses.find((known) => known === word);
  if (status === undefined) return undefined;
  return { status, id: id === "-" ? undefined : id, ...(reason === undefined ? {} : { reason }) };
}
