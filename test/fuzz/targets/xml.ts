import assert from "node:assert/strict";
import { Document, NotJson, type Members } from "../../../daemon/alert/json.ts";
import { capitalise, xmlName } from "../../../daemon/handlers/xml.ts";
import { isBlank } from "../../../daemon/handlers/json-value.ts";
import { ready, RecordWriter } from "../../../daemon/handlers/record-writer.ts";
import { Data, Frames } from "../../../daemon/kernel/frames.ts";
import { alerts, alertWords, hostileJson } from "../seeds.ts";
import type { Target } from "../target.ts";
import { readXml } from "../xml-check.ts";

const quote = Buffer.from('"');
const largeBytes = 64 * 1024;
/** What XML cannot hold at all. */
const forbidden = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

/** The same as the kernel writes it, with a second value that is an attribute where the key is one of these. */
const data = new Data({
  begin: ready('<d n="'),
  open: ready('">'),
  close: ready("</d>"),
  empty: ready('" />'),
});
const frames = ["id", "rule", "level", "text", "a", "b", "agent", "name"].map((key, index) => ({
  key,
  open: ready(`<${key} v="`),
  close: ready('" />'),
  empty: ready(`<${key} />`),
  isAttribute: index % 2 === 0,
}));
const kernelFrames = new Frames(frames);

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

/** What the kernel writes must be what `RecordWriter` writes. @returns whether it wrote both, one or none */
function compareKernel(members: Members, writer: RecordWriter): string {
  if (!members.areInKernel()) return "not in the kernel";
  const one = data.write(members.from, members.to)?.toString();
  writer.begin();
  for (const member of members) {
    writer.markup(ready('<d n="'));
    writer.capitalKey(member);
    if (isBlank(member)) writer.markup(ready('" />'));
    else {
      writer.markup(ready('">'));
      writer.text(member);
      writer.markup(ready("</d>"));
    }
  }
  if (one !== undefined) assert.equal(one, writer.end().toString());
  const other = kernelFrames.write(members.from, members.to)?.toString();
  writer.begin();
  for (const { key, open, close, empty, isAttribute } of frames) {
    const member = members.get(key);
    if (member === undefined || member.kind === "null" || (!isAttribute && isBlank(member))) writer.markup(empty);
    else {
      writer.markup(open);
      if (isAttribute) writer.attribute(member);
      else writer.text(member);
      writer.markup(close);
    }
  }
  if (other !== undefined) assert.equal(other, writer.end().toString());
  return `kernel ${one === undefined ? "" : "data"} ${other === undefined ? "" : "frames"}`;
}

/** Of the objects in an object, the first few, and it itself. */
function objectsIn(members: Members): Members[] {
  const inner = [...members].filter(({ kind }) => kind === "object").slice(0, 8);
  return [members, ...inner.map((member) => member.members())];
}

function judge(input: Buffer, writer: RecordWriter): string {
  let members: Members;
  try {
    members = new Document(input).members;
  } catch (reason) {
    assert.ok(reason instanceof NotJson);
    return "no object";
  }
  const answers = objectsIn(members).flatMap((of) =>
    [of, ...objectsIn(of).slice(1)].map((one) => compareKernel(one, writer)),
  );
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
  return `${Math.min([...members].length, 4)} elements ${odd} ${input.length > largeBytes ? "large" : ""} ${[...new Set(answers)].toSorted().join()}`;
}
