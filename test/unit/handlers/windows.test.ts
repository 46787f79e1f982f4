import assert from "node:assert/strict";
import { test } from "node:test";
import { Alert } from "../../../daemon/alert/alert.ts";
import type { HandlerRecord } from "../../../daemon/contract.ts";
import { defaultEventIds, windowsHandler } from "../../../daemon/handlers/windows.ts";
import { escapeAttribute, escapeText } from "../../../daemon/handlers/xml.ts";
import { generator } from "../alert/generator.ts";

const handler = windowsHandler("topic", [...defaultEventIds, "4768"]);

function record(win: string, rest = '"timestamp":"t","id":"1.1"'): HandlerRecord | undefined {
  return handler.record(Alert.parse(Buffer.from(`{${rest},"data":{"win":${win}}}`)));
}

/** The XML behind `System`. */
function payload(win: string): string {
  const value: { body: string } = JSON.parse(String(record(win)?.value));
  return /<\/System>(.*)<\/Event>$/s.exec(value.body)?.[1] ?? "no event";
}

function system(fields: string): string {
  const value: { body: string } = JSON.parse(String(record(`{"system":{${fields}},"eventdata":{}}`)?.value));
  return /<System>(.*)<\/System>/s.exec(value.body)?.[1] ?? "no system";
}

test("an event is selected by its id, a string or a bare number, and by nothing else", () => {
  for (const id of ['"4625"', "4625", '"\\u0034625"']) {
    assert.equal(record(`{"system":{"eventID":${id}}}`)?.feedback?.eventId, "4625", id);
  }
  for (const id of ['"46250"', '"4624"', "4625.0", "46.25e2", '""', "null", "true", '["4625"]', '{"a":"4625"}']) {
    assert.equal(record(`{"system":{"eventID":${id}}}`), undefined, id);
  }
  for (const win of ['"4625"', "{}", "[]", "null", '{"system":"4625"}', '{"eventID":"4625"}', '{"system":null}']) {
    assert.equal(record(win), undefined, win);
  }
});

test("data is passed through as written", () => {
  const win =
    '{"system":{"eventID":4625,"n":12345678901234567890, "e":1E5,"k":1,"k":2,"s":"\\u00e4\\ud800\\/"},"eventdata":{}}';
  const value = record(win)?.value.toString() ?? "";
  assert.ok(value.endsWith(`"data":{"win":${win}}}`), value);
});

test("the timestamp is passed through as written; without one it is null", () => {
  const win = '{"system":{"eventID":"1100"}}';
  assert.match(String(record(win, '"timestamp":"\\u0041"')?.value), /^\{"timestamp":"\\u0041",/);
  assert.match(String(record(win, '"x":1')?.value), /^\{"timestamp":null,/);
});

test("fields of other types become text, missing ones empty elements", () => {
  const xml = system(
    '"eventID":4625,"version":2,"level":null,"task":{"a": [1]},"opcode":true,"keywords":[1 ,2],"systemTime":17,' +
      '"eventRecordID":123456789012345678901,"processID":4,"channel":"","computer":false,"providerGuid":"{g}"',
  );
  assert.equal(
    xml,
    '<Provider Name="" Guid="{g}" /><EventID>4625</EventID><Version>2</Version><Level /><Task>{"a": [1]}</Task>' +
      "<Opcode>true</Opcode><Keywords>[1 ,2]</Keywords>" +
      '<TimeCreated SystemTime="17" /><EventRecordID>123456789012345678901</EventRecordID><Correlation />' +
      '<Execution ProcessID="4" ThreadID="" /><Channel /><Computer>false</Computer><Security />',
  );
});

test("a system time that is missing or null gives no attribute, an empty one an empty attribute", () => {
  assert.match(system('"eventID":"4719"'), /<TimeCreated \/>/);
  assert.match(system('"eventID":"4719","systemTime":null'), /<TimeCreated \/>/);
  assert.match(system('"eventID":"4719","systemTime":""'), /<TimeCreated SystemTime="" \/>/);
});

test("what XML forbids becomes U+FFFD, in text and in attributes", () => {
  const xml = system(
    '"eventID":"4719","providerName":"a\\u0000\\ud800b\\uffff\\u001f","channel":"\\u0007\\udc00x\\ufffe\\t\\ud83d\\ude00"',
  );
  assert.match(xml, /Name="a\ufffd\ufffdb\ufffd\ufffd"/);
  assert.match(xml, /<Channel>\ufffd\ufffdx\ufffd\t\u{1f600}<\/Channel>/u);
});

test("eventdata becomes one Data element for each entry, in order, with the first letter of the key in upper case", () => {
  assert.equal(
    payload(
      '{"system":{"eventID":"4719"},"eventdata":{"b":"1","ärger":2,"":"x","a<\\"\\t\\n\\r":null,"\\ud83d\\ude00":"y","b":{"c":[]}}}',
    ),
    '<EventData><Data Name="B">1</Data><Data Name="Ärger">2</Data><Data Name="">x</Data>' +
      '<Data Name="A&lt;&quot;&#09;&#10;&#13;" /><Data Name="\u{1f600}">y</Data><Data Name="B">{"c":[]}</Data></EventData>',
  );
});

test("eventdata that is not an object becomes text", () => {
  assert.equal(payload('{"system":{"eventID":"4719"},"eventdata":["<",1]}'), '<EventData>["&lt;",1]</EventData>');
  assert.equal(payload('{"system":{"eventID":"4719"},"eventdata":""}'), "<EventData />");
});

const of = (id: string, data: string) => payload(`{"system":{"eventID":"${id}"},"eventdata":${data}}`);

test("logon events get an address and a port if they have none", () => {
  const address = '<Data Name="IpAddress">-</Data>';
  const port = '<Data Name="IpPort">-</Data>';
  assert.equal(of("4625", "{}"), `<EventData>${address}${port}</EventData>`);
  assert.equal(of("4768", '{"ipPort":"1"}'), `<EventData><Data Name="IpPort">1</Data>${address}</EventData>`);
  assert.equal(of("4625", '{"ipAddress":""}'), `<EventData><Data Name="IpAddress" />${port}</EventData>`);
  assert.equal(of("4719", "{}"), "<EventData />");
});

test("an event without eventdata is sent with System alone, and Wazuh gets a warning", () => {
  for (const win of ['{"system":{"eventID":"4625"}}', '{"system":{"eventID":"4625"},"eventdata":null}']) {
    assert.equal(payload(win), "");
    assert.match(record(win)?.warning ?? "", /4625.*1\.1.*no eventdata/);
  }
  assert.equal(record('{"system":{"eventID":"4625"},"eventdata":{}}')?.warning, undefined);
});

test("a shutdown of the event log has its own payload and needs no eventdata", () => {
  assert.equal(
    payload('{"system":{"eventID":1100},"eventdata":{"a":"b"}}'),
    '<UserData><ServiceShutdown xmlns="http://manifests.microsoft.com/win/2004/08/windows/eventlog" /></UserData>',
  );
  assert.equal(record('{"system":{"eventID":"1100"}}')?.warning, undefined);
});

test("a cleared log has one element for each entry, whose name is always a valid name", () => {
  const open = '<UserData><LogFileCleared xmlns="http://manifests.microsoft.com/win/2004/08/windows/eventlog"';
  assert.equal(
    payload(
      '{"system":{"eventID":"1102"},"logFileCleared":{"subjectUserSid":"S&1","9a b:c":"x","":"y","überö":null,"-":1,"\\ud83d\\ude00":2}}',
    ),
    `${open}><SubjectUserSid>S&amp;1</SubjectUserSid><_9a_b_c>x</_9a_b_c><_>y</_><Überö /><_->1</_-><_>2</_></LogFileCleared></UserData>`,
  );
  assert.equal(payload('{"system":{"eventID":"1102"},"logFileCleared":{}}'), `${open} /></UserData>`);
  assert.equal(
    payload('{"system":{"eventID":"1102"},"logFileCleared":"<x>"}'),
    `${open}>&lt;x&gt;</LogFileCleared></UserData>`,
  );
  assert.equal(payload('{"system":{"eventID":"1102"},"eventdata":{"a":"b"}}'), "");
  assert.equal(record('{"system":{"eventID":"1102"}}')?.warning, undefined);
});

test("bytes that are not UTF-8 are replaced, so that the value is still JSON for a strict reader", () => {
  const win = Buffer.from(
    '{"id":"1.1","data":{"win":{"system":{"eventID":"4719","computer":"M\xfcller"},"eventdata":{"a":"\xc3"}}}}',
    "latin1",
  );
  const value = handler.record(Alert.parse(win))?.value ?? Buffer.alloc(0);
  const text = new TextDecoder("utf-8", { fatal: true }).decode(value);
  const parsed: { body: string; data: { win: { system: { computer: string } } } } = JSON.parse(text);
  assert.equal(parsed.data.win.system.computer, "M\ufffdller");
  assert.match(parsed.body, /<Computer>M\ufffdller<\/Computer>.*<Data Name="A">\ufffd<\/Data>/);
});

test("the feedback gives the event and when it happened", () => {
  assert.deepEqual(record('{"system":{"eventID":"4719","systemTime":"2026"},"eventdata":{}}')?.feedback, {
    eventFormat: "windows-xml",
    eventId: "4719",
    winTimestamp: "2026",
  });
  assert.equal(record('{"system":{"eventID":"4719"},"eventdata":{}}')?.feedback?.winTimestamp, null);
});

test("whatever a text contains and however it is written, the XML contains the same", () => {
  const next = generator(11);
  const pieces = [
    "x",
    "ä",
    "<",
    ">",
    "&",
    '\\"',
    "\\\\",
    "\\/",
    "\\n",
    "\\r",
    "\\t",
    "\\b",
    "\\u0041",
    "\\ud83d",
    "\\ude00",
    "😀",
  ];
  for (let round = 0; round < 5000; round++) {
    const written = Array.from({ length: next(8) }, () => pieces[next(pieces.length)] ?? "").join("");
    const text = String(JSON.parse(`"${written}"`));
    assert.equal(
      payload(`{"system":{"eventID":"4719"},"eventdata":{"K${written}":"${written}"}}`),
      `<EventData><Data Name="${escapeAttribute(`K${text}`)}"${text === "" ? " />" : `>${escapeText(text)}</Data>`}</EventData>`,
      written,
    );
  }
});

test("a text that outgrows the buffer becomes XML to the last byte, and nothing of it is left in the next record", () => {
  const count = 100_000;
  const open = '<EventData><Data Name="A">';
  const close = "</Data></EventData>";
  assert.equal(of("4719", `{"a":"${"x&".repeat(count)}"}`), `${open}${"x&amp;".repeat(count)}${close}`);
  assert.equal(of("4719", '{"a":"y"}'), `${open}y${close}`);
});
