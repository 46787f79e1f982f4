import type { Member, Members } from "../alert/json.ts";
import type { Value } from "../alert/value.ts";
import { Data, Frames, type FrameTexts } from "../kernel/frames.ts";
import { isBlank } from "./json-value.ts";
import { capitalise, xmlName } from "./xml.ts";
import { ready, type RecordWriter } from "./record-writer.ts";

const eventNamespace = "http://schemas.microsoft.com/win/2004/08/events/event";
const eventlogNamespace = "http://manifests.microsoft.com/win/2004/08/windows/eventlog";

/** Failed logons: the consumer wants an address and a port in each. */
const logonEvents: ReadonlySet<string> = new Set(["4625", "4768", "4771"]);
const logonFields = ["ipAddress", "ipPort"].map((key) => ({
  key,
  absent: ready(`<Data Name="${capitalise(key)}">-</Data>`),
}));

/** `data.win` of an alert, the Windows event as Wazuh's agent took it apart. */
export interface WindowsEvent {
  readonly eventId: string;
  readonly system: Members;
  /** Undefined where it is missing or null; so is `logFileCleared`. */
  readonly eventdata: Member | undefined;
  readonly logFileCleared: Member | undefined;
}

/** What is written for a field: something around its text. */
interface Frame extends FrameTexts {
  readonly open: Buffer;
  readonly close: Buffer;
  readonly empty: Buffer;
}

function elementOf(name: string, attributes = ""): Frame {
  return {
    key: name.charAt(0).toLowerCase() + name.slice(1),
    open: ready(`<${name}${attributes}>`),
    close: ready(`</${name}>`),
    empty: ready(`<${name}${attributes} />`),
    isAttribute: false,
  };
}

/** An attribute with what is around it. */
function attributeOf(key: string, open: string, close: string, empty = open + close): Frame {
  return { key, open: ready(open), close: ready(close), empty: ready(empty), isAttribute: true };
}

/** `System`, field by field: the order of the XML, which is also that of the agent. */
const systemFrames: readonly Frame[] = [
  attributeOf("providerName", '<Provider Name="', '"'),
  attributeOf("providerGuid", ' Guid="', '" />'),
  { ...elementOf("EventID"), key: "eventID" },
  ...["Version", "Level", "Task", "Opcode", "Keywords"].map((name) => elementOf(name)),
  attributeOf("systemTime", '<TimeCreated SystemTime="', '" />', "<TimeCreated />"),
  ...["EventRecordID", "Correlation"].map((name) => elementOf(name)),
  attributeOf("processID", '<Execution ProcessID="', '"'),
  attributeOf("threadID", ' ThreadID="', '" />'),
  ...["Channel", "Computer", "Security"].map((name) => elementOf(name)),
];
const systemKeys = systemFrames.map(({ key }) => key);
const kernelSystem = new Frames(systemFrames);

const eventData = elementOf("EventData");
const logFileClearedElement = elementOf("LogFileCleared", ` xmlns="${eventlogNamespace}"`);

const marks = {
  begin: ready(`<Event xmlns="${eventNamespace}"><System>`),
  endSystem: ready("</System>"),
  endEvent: ready("</Event>"),
  shutdown: ready(`<UserData><ServiceShutdown xmlns="${eventlogNamespace}" /></UserData>`),
  userData: ready("<UserData>"),
  endUserData: ready("</UserData>"),
  data: ready('<Data Name="'),
  dataText: ready('">'),
  endData: ready("</Data>"),
  noData: ready('" />'),
};

const kernelData = new Data({ begin: marks.data, open: marks.dataText, close: marks.endData, empty: marks.noData });

/** Writes the event as Windows itself does, on one line without a declaration, into a JSON string. */
export function writeEvent(out: RecordWriter, event: WindowsEvent): void {
  out.markup(marks.begin);
  writeSystem(out, event.system);
  out.markup(marks.endSystem);
  writePayload(out, event);
  out.markup(marks.endEvent);
}

function writeSystem(out: RecordWriter, system: Members): void {
  const written = system.areInKernel() ? kernelSystem.write(system.from, system.to) : undefined;
  if (written !== undefined) return out.markup(written);
  const values = system.named(systemKeys);
  systemFrames.forEach((frame, index) => writeFrame(out, frame, values[index]));
}

/** What follows `System`; nothing where the alert does not hold it. */
function writePayload(out: RecordWriter, { eventId, eventdata, logFileCleared }: WindowsEvent): void {
  if (eventId === "1100") return out.markup(marks.shutdown);
  if (eventId === "1102") {
    if (logFileCleared === undefined) return;
    out.markup(marks.userData);
    writeLogFileCleared(out, logFileCleared);
    return out.markup(marks.endUserData);
  }
  if (eventdata !== undefined) writeEventData(out, eventdata, logonEvents.has(eventId));
}

/** Entries of the alert's own naming: few events have them. */
function writeLogFileCleared(out: RecordWriter, value: Member): void {
  const members = value.members();
  if (members.isEmpty) return writeFrame(out, logFileClearedElement, value.kind === "object" ? undefined : value);
  out.markup(logFileClearedElement.open);
  for (const member of members) writeFrame(out, elementOf(xmlName(capitalise(member.key))), member);
  out.markup(logFileClearedElement.close);
}

function writeEventData(out: RecordWriter, eventdata: Member, isLogon: boolean): void {
  const members = eventdata.members();
  const absent = isLogon ? logonFields.filter(({ key }) => members.get(key) === undefined) : [];
  if (members.isEmpty && absent.length === 0) {
    return writeFrame(out, eventData, eventdata.kind === "object" ? undefined : eventdata);
  }
  out.markup(eventData.open);
  if (eventdata.kind !== "object" && !isBlank(eventdata)) out.text(eventdata);
  writeData(out, members);
  for (const field of absent) out.markup(field.absent);
  out.markup(eventData.close);
}

function writeData(out: RecordWriter, members: Members): void {
  const written = members.areInKernel() ? kernelData.write(members.from, members.to) : undefined;
  if (written !== undefined) return out.markup(written);
  for (const member of members) {
    out.markup(marks.data);
    out.capitalKey(member);
    if (isBlank(member)) {
      out.markup(marks.noData);
    } else {
      out.markup(marks.dataText);
      out.text(member);
      out.markup(marks.endData);
    }
  }
}

function writeFrame(out: RecordWriter, { open, close, empty, isAttribute }: Frame, value: Value | undefined): void {
  // An empty system time is an empty attribute, a missing one none.
  if (value === undefined || value.kind === "null" || (!isAttribute && isBlank(value))) return out.markup(empty);
  out.markup(open);
  if (isAttribute) out.attribute(value);
  else out.text(value);
  out.markup(close);
}
