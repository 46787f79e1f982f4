import type { Alert } from "../alert/alert.ts";
import type { Member, Members } from "../alert/json.ts";
import { digits, listOf } from "../config/values/schemas.ts";
import { section } from "../config/values/section.ts";
import { decidedBy, type ExplainedHandler, isOneOf } from "./conditions.ts";
import { defineHandler } from "./definition.ts";
import { textOf } from "./json-value.ts";
import { RecordWriter } from "./record-writer.ts";
import { type WindowsEvent, writeEvent } from "./windows-xml.ts";

/** The Windows events that are forwarded by default; the wire format says what each means. */
export const defaultEventIds: readonly string[] = [
  "4625",
  "4719",
  "4964",
  "1102",
  "4794",
  "4724",
  "4697",
  "4702",
  "4698",
  "4672",
  "4720",
  "1100",
  "3697",
];

/** Events whose payload is not in `eventdata`. */
const withoutEventdata: ReadonlySet<string> = new Set(["1100", "1102"]);

/** What a record has around the timestamp, the event's XML, the XML once more, and the alert's data. */
const pieces = {
  timestamp: Buffer.from('{"timestamp":'),
  eventRaw: Buffer.from(',"event_raw":"'),
  body: Buffer.from('","body":"'),
  data: Buffer.from(
    '","event_format":"windows-xml","event_forward":true,"event_parser":"wazuh","event_source":"soc-agent","data":',
  ),
  end: Buffer.from("}"),
};

/** One for all: records are written one after the other. */
const out = new RecordWriter();

export const windows = defineHandler({
  name: "windows",
  description: "Events of Windows' security log.",
  isOnByDefault: true,
  settings: section({
    event_ids: listOf(digits()).prefault(defaultEventIds.map(Number)).describe("Windows events by their number."),
  }),
  leftOutReasons: [],
  wanted: () => ({ level: 0, groups: ["windows"], location: "EventChannel" }),
  example: {
    settings: {},
    alert: {
      timestamp: "2026-11-21T10:00:00.123+0000",
      rule: { level: 5, id: "60122", groups: ["windows", "windows_security", "authentication_failed"] },
      agent: { id: "003", name: "dc1", ip: "192.0.2.3" },
      manager: { name: "manager" },
      id: "1795255200.1234",
      data: {
        win: {
          system: { eventID: "4625", providerName: "Microsoft-Windows-Security-Auditing", computer: "dc1.example.org" },
          eventdata: { targetUserName: "alice", ipAddress: "192.0.2.77" },
        },
      },
      location: "EventChannel",
    },
  },
  create: ({ eventIds }, { customerId }) => windowsHandler(customerId, eventIds),
});

/**
 * Windows events of the security log, with the event's XML put together again from the fields that Wazuh's agent made
 * of it. Never refuses an alert that is relevant: what is missing or of another type than usual becomes text.
 */
export function windowsHandler(topic: string, eventIds: readonly string[]): ExplainedHandler {
  const wanted: ReadonlySet<string> = new Set(eventIds);
  return {
    name: windows.name,
    topics: [topic],
    needles: [{ kind: "key", key: "eventID", values: wanted }],
    ...decidedBy({
      subject: numberedEvent,
      conditions: [
        {
          field: ["data", "win", "system", "eventID"],
          must: isOneOf(eventIds),
          holds: ({ eventId }) => wanted.has(eventId),
        },
      ],
      make(alert, { win, system, eventId }) {
        const eventdata = present(win.get("eventdata"));
        const systemTime = textOf(system.get("systemTime"));
        const logFileCleared = present(win.get("logFileCleared"));
        const record = {
          topic,
          value: valueOf(alert, { eventId, system, eventdata, logFileCleared }),
          feedback: { eventFormat: "windows-xml", eventId, winTimestamp: systemTime === "" ? null : systemTime },
        };
        if (eventdata !== undefined || withoutEventdata.has(eventId)) return record;
        const warning = `Windows event ${eventId} of alert ${alert.id ?? "without id"} has no eventdata`;
        return { ...record, warning };
      },
    }),
  };
}

/** A Windows event that has a number. */
interface NumberedEvent {
  readonly win: Members;
  readonly system: Members;
  readonly eventId: string;
}

function numberedEvent(alert: Alert): NumberedEvent | undefined {
  const win = alert.member("data", "win")?.members();
  const system = win?.get("system")?.members();
  const id = system?.get("eventID");
  if (win === undefined || system === undefined || id === undefined) return undefined;
  if (id.kind !== "string" && id.kind !== "number") return undefined;
  return { win, system, eventId: id.text };
}

function valueOf(alert: Alert, event: WindowsEvent): Buffer {
  out.begin();
  out.markup(pieces.timestamp);
  out.json(alert.member("timestamp"));
  out.markup(pieces.eventRaw);
  const start = out.length;
  writeEvent(out, event);
  const end = out.length;
  out.markup(pieces.body);
  out.repeat(start, end);
  out.markup(pieces.data);
  out.json(alert.member("data"));
  out.markup(pieces.end);
  return out.end();
}

/** A value that says something; null does not. */
function present(value: Member | undefined): Member | undefined {
  return value?.kind === "null" ? undefined : value;
}
