import assert from "node:assert/strict";
import { Document, NotJson, type Members } from "../../../daemon/alert/json.ts";
import { capitalise, xmlName } from "../../../daemon/handlers/xml.ts";
import { ready, RecordWriter } from "../../../daemon/handlers/record-writer.ts";
import { alerts, alertWords, hostileJson } from "../seeds.ts";
import type { Target } from "../target.ts";
import { readXml } from "../xml-check.ts";

const quote = Buffer.from('"');
const largeBytes = 64 * 1024;
/** What XML cannot hold at all. */
const forbidden = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

const marks = { root: "<r>", end: "</r>", open: '<d n="', next: '" v="', text: '">', close: "</d>" };

/** Any keys and values as XML: well formed, and reading it gives the texts that were written. */
export const xml: Target = {
  name: "xml",
  seeds: [...hostileJson, ...alerts],
  words: alertWords,
  testInputs: 1000,
  open: () => {
    const writer = new RecordWriter();
    return { judge: (input) => judge(input, writer), work: (input) => write(new Document(input).members, writer) };
  },
};

function write(members: Members, writer: RecordWriter): Buffer {
  writer.begin();
  writer.markup(quote);
  writer.markup(ready(marks.root));
  for (const member of members) {
    writer.markup(ready(marks.open));
    writer.capitalKey(member);
    writer.markup(ready(marks.next));
    writer.attribute(member);
    writer.markup(ready(marks.text));
    writer.text(member);
    writer.markup(ready(marks.close));
  }
  writer.markup(ready(marks.end));
  writer.markup(quote);
  return writer.end();
}

function judge(input: Buffer, writer: RecordWriter): string {
  let members: Members;
  try {
    members = new Document(input).members;
  } catch (reason) {
    assert.ok(reason instanceof NotJson);
    return "no object";
  }
  const text: unknown = JSON.parse(write(members, writer).toString());
  assert.ok(typeof text === "string");
  const { children } = readXml(text);
  assert.equal(children.length, [...members].length);
  let odd = "";
  for (const [index, member] of [...members].entries()) {
    const element = children[index];
    assert.ok(typeof element === "object");
    const value = member.text.replaceAll(forbidden, "\ufffd");
    assert.equal(element.attributes.get("n"), capitalise(member.key).replaceAll(forbidden, "\ufffd"));
    assert.equal(element.attributes.get("v"), value);
    assert.deepEqual(element.children, value === "" ? [] : [value]);
    const name = xmlName(member.key);
    assert.equal(readXml(`<${name}/>`).name, name);
    if (value !== member.text) odd = "forbidden";
  }
  return `${Math.min([...members].length, 4)} elements ${odd} ${input.length > largeBytes ? "large" : ""}`;
}
