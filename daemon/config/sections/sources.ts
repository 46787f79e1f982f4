import { inQuotes, InvalidValue } from "../values/problem.ts";
import { readTimestamp } from "../values/timestamp.ts";
import {
  digitsOrText,
  duration,
  free,
  listOf,
  path,
  readSocketPath,
  scalar,
  size,
  text,
  whole,
} from "../values/schemas.ts";
import { section, switchable } from "../values/section.ts";

/** Wazuh takes events of up to 65,535 bytes and an alert holds its event, so less would shut alerts out. */
const lineRange = { least: 65_536, most: 256 * 1_048_576 };

/** `sources.socket`. */
const socket = section({
  path: text(readSocketPath).prefault("/run/wazuh-dfn/alerts.sock").describe("The path of the socket."),
  mode: scalar({ read: readMode, print: formatMode, json: { ...digitsOrText, pattern: "^0[0-7]{3}$" } })
    .prefault("0660")
    .describe("Permission bits of the socket file."),
  group: free(64).prefault("wazuh").describe("Group of the socket file, by name or number."),
  allow: listOf(text(readUser, digitsOrText))
    .prefault(["root", "wazuh"])
    .describe(
      "Users who may send alerts, by name or number, in addition to the forwarder's own. The kernel reports who a client is; anybody else is refused and counted. integratord's programs run as wazuh, or as the owner of queue/sockets below wazuh.home if there is no user of this name.",
    ),
  max_line: size(lineRange).prefault("16MiB").describe("Longest alert that is accepted."),
  max_connections: whole({ least: 1, most: 65_536 }).prefault(1024).describe("Maximum number of clients at a time."),
});

/** `sources.tail`. The default of its path is below `wazuh.home`, and filled in by `schema`. */
const tail = section({
  path: path()
    .optional()
    .meta({
      description: "The log of alerts. Default: logs/alerts/alerts.json below wazuh.home.",
      examples: ["/var/ossec/logs/alerts/alerts.json"],
    }),
  wait: duration({ least: 0, most: 600_000 })
    .prefault("0s")
    .describe("How long an alert of the log waits for its copy from the socket before it is sent."),
  start: scalar({ read: readStart, print: formatStart, json: { type: "string" } })
    .prefault("end")
    .describe(
      "Where the very first start begins: end, beginning, or a time such as 2026-11-21T10:00:00+01:00. Every later start continues where the last one ended.",
    ),
  poll: duration({ least: 10, most: 10_000 })
    .prefault("100ms")
    .describe(
      "How often the log is read while it grows quickly, or where the system does not report changes; a change that comes alone is read at once.",
    ),
  max_line: size(lineRange)
    .prefault("16MiB")
    .describe("Longest alert that is sent; a longer one is stored as a dead letter."),
});

const shape = {
  socket: switchable(socket)
    .prefault("on")
    .describe("The fast path: integratord runs custom-dfn for each alert, which writes to this socket."),
  tail: switchable(tail)
    .prefault("on")
    .describe(
      "The reliable path: reads the manager's own log of alerts, and catches up on what was written while wazuh-dfn was down.",
    ),
};

/** `sources`: both ways are on unless switched off. */
export const sources = section(shape, {
  holds(it: Readonly<Record<string, unknown>>) {
    return Object.keys(shape).some((name) => it[name] !== undefined);
  },
  message: "every source is off, so no alert would ever come; leave one of them on",
})
  .prefault({})
  .describe(
    "Where alerts come from. Each of the two is the other's fallback; one can be switched off (socket: off), not both.",
  );

/** The highest number of a user: 32 bits, of which the last means none (chown(2)). */
const maxUid = 2 ** 32 - 2;

/** The name or the number of a user. */
function readUser(written: string): string {
  if (/^\d{1,10}$/.test(written) && Number(written) <= maxUid) return written;
  if (/^[\p{L}_][\p{L}\p{N}_.@-]{0,63}\$?$/u.test(written)) return written;
  throw new InvalidValue(`${inQuotes(written)} is not the name or number of a user; use e.g. root, wazuh or 998`);
}

/** Four octal digits, the first a zero: TOML writes a number like 0o660 as 432, which must not be taken for a mode. */
function readMode(written: string): number {
  if (/^0[0-7]{3}$/.test(written)) return Number.parseInt(written, 8);
  throw new InvalidValue(`${inQuotes(written)} is not a mode; use text such as "0660"`);
}

function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

function readStart(written: string): "end" | "beginning" | Date {
  if (written === "end" || written === "beginning") return written;
  try {
    return readTimestamp(written);
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    throw new InvalidValue(
      `${inQuotes(written)} is not allowed; use end, beginning or a time such as 2026-11-21T10:00:00Z`,
    );
  }
}

function formatStart(start: "end" | "beginning" | Date): string {
  return start instanceof Date ? start.toISOString() : start;
}
