import type { Members, Value } from "../alert/json.ts";
import { isBlank } from "./json-value.ts";
import { capitalise, nameOf } from "./xml.ts";
import { markup, XmlWriter } from "./xml-writer.ts";

const eventNamespace = "http://schemas.microsoft.com/win/2004/08/events/event";
const eventlogNamespace = "http://manifests.microsoft.com/win/2004/08/windows/eventlog";

/** Failed logons: the consumer wants an address and a port in each. */
const logonEvents: ReadonlySet<string> = new Set(["4625", "4768", "4771"]);
const logonFields = ["ipAddress", "ipPort"].map((key) => ({
  key,
  absent: markup(`<Data Name="${capitalise(key)}">-</Data>`),
}));

/** `data.win` of an alert, the Windows event as Wazuh's agent took it apart. */
export interface WindowsEvent {
  readonly eventId: string;
  readonly system: Members;
  /** Undefined where it is missing or null; so is `logFileCleared`. */
  readonly eventdata: Value | undefined;
  readonly logFileCleared: Value | undefined;
}

/** An element around a text. */
interface Element {
  readonly key: string;
  readonly open: Buffer;
  readonly close: Buffer;
  /** The whole element where there is no text. */
  readonly empty: Buffer;
}

function elementOf(name: string, attributes = ""): Element {
  const key = name.charAt(0).toLowerCase() + name.slice(1);
  return {
    key,
    open: markup(`<${name}${attributes}>`),
    close: markup(`</${name}>`),
    empty: markup(`<${name}${attributes} />`),
  };
}

/** The children of `System` up to `Keywords`, then those up to `Correlation`, then the rest; named as their fields. */
const describing = [
  { ...elementOf("EventID"), key: "eventID" },
  ...["Version", "Level", "Task", "Opcode", "Keywords"].map((name) => elementOf(name)),
];
const recording = ["EventRecordID", "Correlation"].map((name) => elementOf(name));
const placing = ["Channel", "Computer", "Security"].map((name) => elementOf(name));

const eventData = elementOf("EventData");
const logFileClearedElement = elementOf("LogFileCleared", ` xmlns="${eventlogNamespace}"`);

const marks = {
  provider: markup(`<Event xmlns="${eventNamespace}"><System><Provider Name="`),
  guid: markup('" Guid="'),
  endTag: markup('" />'),
  time: markup('<TimeCreated SystemTime="'),
  noTime: markup("<TimeCreated />"),
  process: markup('<Execution ProcessID="'),
  thread: markup('" ThreadID="'),
  endSystem: markup("</System>"),
  endEvent: markup("</Event>"),
  shutdown: markup(`<UserData><ServiceShutdown xmlns="${eventlogNamespace}" /></UserData>`),
  userData: markup("<UserData>"),
  endUserData: markup("</UserData>"),
  data: markup('<Data Name="'),
  dataText: markup('">'),
  endData: markup("</Data>"),
};

/** One for all: events are written one after the other. */
const out = new XmlWriter();

/**
 * The event as Windows itself writes it, on one line without a declaration, as a JSON string; valid until the next call.
 */
export function eventXml(event: WindowsEvent): Buffer {
  out.begin();
  writeSystem(event.system);
  writePayload(event);
  out.markup(marks.endEvent);
  return out.end();
}

function writeSystem(system: Members): void {
  const attribute = (before: Buffer, key: string): void => {
    out.markup(before);
    const value = system.get(key);
    if (!isBlank(value)) out.attribute(value);
  };
  const field = (element: Element): void => writeElement(element, system.get(element.key));
  attribute(marks.provider, "providerName");
  attribute(marks.guid, "providerGuid");
  out.markup(marks.endTag);
  describing.forEach(field);
  const time = system.get("systemTime");
  if (time === undefined || time.kind === "null") {
    out.markup(marks.noTime);
  } else {
    out.markup(marks.time);
    out.attribute(time);
    out.markup(marks.endTag);
  }
  recording.forEach(field);
  attribute(marks.process, "processID");
  attribute(marks.thread, "threadID");
  out.markup(marks.endTag);
  placing.forEach(field);
  out.markup(marks.endSystem);
}

/** What follows `System`; nothing where the alert does not hold it. */
function writePayload({ eventId, eventdata, logFileCleared }: WindowsEvent): void {
  if (eventId === "1100") return out.markup(marks.shutdown);
  if (eventId === "1102") {
    if (logFileCleared === undefined) return;
    out.markup(marks.userData);
    writeLogFileCleared(logFileCleared);
    return out.markup(marks.endUserData);
  }
  if (eventdata !== undefined) writeEventData(eventdata, logonEvents.has(eventId));
}

/** Entries of the alert's own naming: few events have them. */
function writeLogFileCleared(value: Value): void {
  const members = value.members();
  if (members.size === 0) return writeElement(logFileClearedElement, value.kind === "object" ? undefined : value);
  out.markup(logFileClearedElement.open);
  for (const member of members) writeElement(elementOf(nameOf(capitalise(member.key))), member);
  out.markup(logFileClearedElement.close);
}

function writeEventData(eventdata: Value, isLogon: boolean): void {
  const members = eventdata.members();
  const absent = isLogon ? logonFields.filter(({ key }) => members.get(key) === undefined) : [];
  if (members.size === 0 && absent.length === 0) {
    return writeElement(eventData, eventdata.kind === "object" ? undefined : eventdata);
  }
  out.markup(eventData.open);
  if (eventdata.kind !== "object" && !isBlank(eventdata)) out.text(eventdata);
  for (const member of members) {
    out.markup(marks.data);
    out.capitalKey(member);
    if (isBlank(member)) {
      out.markup(marks.endTag);
    } else {
      out.markup(marks.dataText);
      out.text(member);
      out.markup(marks.endData);
    }
  }
  for (const field of absent) out.markup(field.absent);
  out.markup(eventData.close);
}

function writeElement({ open, close, empty }: Element, value: Value | undefined): void {
  if (isBlank(value)) return out.markup(empty);
  out.markup(open);
  out.text(value);
  out.markup(close);
}
