import type { Alert } from "../alert/alert.ts";
import type { Value } from "../alert/json.ts";
import type { Handler, HandlerRecord } from "../delivery/contract.ts";
import { jsonObject, textOf } from "./json-value.ts";
import { eventXml } from "./windows-xml.ts";

/** The Windows events that matter where nothing else is configured; the wire format says what each means. */
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

/**
 * Windows events of the security log, with the event's XML put together again from the fields that Wazuh's agent made
 * of it. Never refuses an alert that is relevant: what is missing or of another type than usual becomes text.
 */
export function windowsHandler(topic: string, eventIds: readonly string[]): Handler {
  const wanted: ReadonlySet<string> = new Set(eventIds);
  return {
    name: "windows",
    needles: [{ kind: "key", key: "eventID", values: wanted }],
    record(alert: Alert): HandlerRecord | undefined {
      const win = alert.member("data", "win")?.members();
      const system = win?.get("system")?.members();
      const id = system?.get("eventID");
      if (win === undefined || system === undefined || id === undefined) return undefined;
      if (id.kind !== "string" && id.kind !== "number") return undefined;
      const eventId = id.text;
      if (!wanted.has(eventId)) return undefined;
      const eventdata = present(win.get("eventdata"));
      const xml = eventXml({ eventId, system, eventdata, logFileCleared: present(win.get("logFileCleared")) });
      const systemTime = textOf(system.get("systemTime"));
      return {
        topic,
        value: jsonObject([
          ["timestamp", alert.member("timestamp") ?? null],
          ["event_raw", xml],
          ["body", xml],
          ["event_format", "windows-xml"],
          ["event_forward", true],
          ["event_parser", "wazuh"],
          ["event_source", "soc-agent"],
          ["data", alert.member("data") ?? null],
        ]),
        feedback: {
          eventFormat: "windows-xml",
          eventId,
          winTimestamp: systemTime === "" ? null : systemTime,
        },
        ...(eventdata === undefined && !withoutEventdata.has(eventId)
          ? { warning: `Windows event ${eventId} of alert ${alert.id ?? "without id"} has no eventdata` }
          : {}),
      };
    },
  };
}

/** A value that says something; null does not. */
function present(value: Value | undefined): Value | undefined {
  return value?.kind === "null" ? undefined : value;
}
