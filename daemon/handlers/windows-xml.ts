import type { Member, Members, Value } from "../alert/json.ts";
import { type Attribute, element, escapeText, nameOf } from "./xml.ts";
import { textOf } from "./json-value.ts";

const eventNamespace = "http://schemas.microsoft.com/win/2004/08/events/event";
const eventlogNamespace = "http://manifests.microsoft.com/win/2004/08/windows/eventlog";

/** Failed logons: the consumer wants an address and a port in each. */
const logonEvents: ReadonlySet<string> = new Set(["4625", "4768", "4771"]);
const logonFields = ["ipAddress", "ipPort"] as const;

/** `data.win` of an alert, the Windows event as Wazuh's agent took it apart. */
export interface WindowsEvent {
  readonly eventId: string;
  readonly system: Members;
  /** Undefined where it is missing or null; so is `logFileCleared`. */
  readonly eventdata: Value | undefined;
  readonly logFileCleared: Value | undefined;
}

/** The event as Windows itself writes it, on one line without a declaration. */
export function eventXml(event: WindowsEvent): string {
  const content = systemXml(event) + payloadXml(event);
  return element("Event", [["xmlns", eventNamespace]], content);
}

function systemXml({ system }: WindowsEvent): string {
  const attribute = (name: string, field: string): Attribute => [name, textOf(system.get(field))];
  const field = (name: string, key: string): string => element(name, [], escapeText(textOf(system.get(key))));
  const time = system.get("systemTime");
  const hasTime = time !== undefined && time.kind !== "null";
  const content =
    element("Provider", [attribute("Name", "providerName"), attribute("Guid", "providerGuid")], "") +
    field("EventID", "eventID") +
    field("Version", "version") +
    field("Level", "level") +
    field("Task", "task") +
    field("Opcode", "opcode") +
    field("Keywords", "keywords") +
    element("TimeCreated", hasTime ? [["SystemTime", time.text]] : [], "") +
    field("EventRecordID", "eventRecordID") +
    field("Correlation", "correlation") +
    element("Execution", [attribute("ProcessID", "processID"), attribute("ThreadID", "threadID")], "") +
    field("Channel", "channel") +
    field("Computer", "computer") +
    field("Security", "security");
  return element("System", [], content);
}

/** What follows `System`; nothing where the alert does not hold it. */
function payloadXml({ eventId, eventdata, logFileCleared }: WindowsEvent): string {
  const xmlns: Attribute = ["xmlns", eventlogNamespace];
  if (eventId === "1100") return element("UserData", [], element("ServiceShutdown", [xmlns], ""));
  if (eventId === "1102") {
    if (logFileCleared === undefined) return "";
    const content = contentOf(logFileCleared, (entry, key) => element(nameOf(key), [], escapeText(textOf(entry))));
    return element("UserData", [], element("LogFileCleared", [xmlns], content));
  }
  if (eventdata === undefined) return "";
  let content = contentOf(eventdata, (entry, key) => dataXml(key, textOf(entry)));
  if (logonEvents.has(eventId)) {
    const members = eventdata.members();
    for (const key of logonFields) if (members.get(key) === undefined) content += dataXml(capitalise(key), "-");
  }
  return element("EventData", [], content);
}

function dataXml(name: string, text: string): string {
  return element("Data", [["Name", name]], escapeText(text));
}

/** One piece of XML for each member of an object; anything else as plain text. */
function contentOf(value: Value, write: (member: Member, key: string) => string): string {
  if (value.kind !== "object") return escapeText(textOf(value));
  let content = "";
  for (const member of value.members()) content += write(member, capitalise(member.key));
  return content;
}

/** With its first character, a code point, in upper case. */
function capitalise(key: string): string {
  const [first = ""] = key;
  return first.toUpperCase() + key.slice(first.length);
}
