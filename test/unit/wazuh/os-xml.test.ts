/** Cases from what Wazuh 4.14's own reader does (src/os_xml/os_xml.c and src/unit_tests/os_xml/test_os_xml.c). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readOsXml, Unreadable, type XmlElement } from "../../../daemon/wazuh/os-xml.ts";

/** As Wazuh's unit tests print what was read: attributes, text, children. */
function print(elements: readonly XmlElement[]): string {
  return elements
    .map(({ name, attributes, text, children }) => {
      const pairs = [...attributes].map(([key, value]) => ` ${key}="${value}"`).join("");
      return `<${name}${pairs}>${text}${print(children)}</${name}>`;
    })
    .join("");
}

const long = (length: number): string => "c".repeat(length);

const taken: Readonly<Record<string, readonly [text: string, read: string]>> = {
  "an empty file": ["", ""],
  "a root": ["<root></root>", "<root></root>"],
  "a root that closes itself": ["<root/>", "<root></root>"],
  "one with a blank in front of the slash": ["<root />", "<root></root>"],
  "several roots": ["<a></a><b></b><c/>", "<a></a><b></b><c></c>"],
  "text in front of, between and behind the roots": ["x <a></a> y & z > <b/> end", "<a></a><b></b>"],
  "an escaped bracket outside of the roots": ["\\<x <a></a>", "<a></a>"],
  children: ["<a><b></b><c/><d><e>1</e></d></a>", "<a><b></b><c></c><d><e>1</e></d></a>"],
  "a text on both sides of a child: the last one counts": ["<a>one<b/>two</a>", "<a>two<b></b></a>"],
  "attributes in either quote": [`<a x="1" y='2'></a>`, '<a x="1" y="2"></a>'],
  "attributes on lines of their own": ['<a\n\t \n x="1"\n\ty="2"\t\n ></a>', '<a x="1" y="2"></a>'],
  "a blank behind the equals sign": ['<a x= \n\t "1"></a>', '<a x="1"></a>'],
  "a slash, a bracket and the other quote in a value": [`<a x="a/<'b"></a>`, `<a x="a/<'b"></a>`],
  "attributes of an element that closes itself": ['<a x="1"/><b y="2" />', '<a x="1"></a><b y="2"></b>'],
  "the bracket behind such a child, which is text of its parent": ['<a><b x="1"/></a>', '<a>><b x="1"></b></a>'],
  "a comment in either form": ["<!--c--><a/><!c!><b/>", "<a></a><b></b>"],
  "a comment that begins in one form and ends in the other": ["<! a - b --><a/><!-- c !><b/>", "<a></a><b></b>"],
  "the shortest comments": ["<!--><a/><!!><b/>", "<a></a><b></b>"],
  "a comment with more dashes at its end": ["<!-- x ----><a/>", "<a></a>"],
  "a comment in a comment, which ends both": ["<!-- <!-- x --> --><a/>", "<a></a>"],
  "a comment in a text and in names": ["<a>1<!-- x -->2<b<!c!>>3</b></<!--x-->a>", "<a><b>3</b></a>"],
  "a comment that is in one text": ["<a>1<!-- x -->2</a>", "<a>12</a>"],
  "entities, which stay": ["<a>x &amp; &lt;y&gt;</a>", "<a>x &amp; &lt;y&gt;</a>"],
  "an escaped bracket, with its backslash": ["<a>\\</a\\></a>", "<a>\\</a\\></a>"],
  "an escaped backslash, which escapes nothing": ["<a>\\\\</a>", "<a>\\\\</a>"],
  "a variable, as it is written": ["<a>$x</a>", "<a>$x</a>"],
  "blanks, which stay": ["<a> \n 1 \t</a>", "<a> \n 1 \t</a>"],
  "names of any characters": ["<a.b-c:d_1?></a.b-c:d_1?>", "<a.b-c:d_1?></a.b-c:d_1?>"],
  "a text that ends at a NUL": ["<a>x\0y</a>", "<a>x</a>"],
  "a text of 20,479 bytes": [`<a>${long(20_479)}</a>`, `<a>${long(20_479)}</a>`],
  "text of any length outside": [long(30_000), ""],
  "1,024 elements inside each other": [
    "<a>".repeat(1024) + "</a>".repeat(1024),
    "<a>".repeat(1024) + "</a>".repeat(1024),
  ],
};
for (const [what, [text, read]] of Object.entries(taken)) {
  test(`Wazuh accepts ${what}`, () => assert.equal(print(readOsXml(text).roots), read));
}

const refused: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
  "an XML declaration": ['<?xml version="1.0"?>\n<a></a>', /^line 1: a blank, \/ or > is missing behind .* version/],
  "a declaration without attributes": ["<?xml?>\n<a></a>", /^line 1: <\?xml\?> is never closed/],
  "an element that is never closed": ["<a>\n<b></b>\n", /^line 1: <a> is never closed/],
  "a tag that is cut off": ["<a></a>\n<b", /^line 2: this tag has no end/],
  "a closing tag of another name": ["<a>\n<b>\n</a>", /^line 3: <\/a> does not close <b>, which line 2 opens/],
  "a blank in a closing tag": ["<a></a >", /<\/a > does not close <a>/],
  "another case": ["<a></A>", /<\/A> does not close <a>/],
  "a closing tag outside": ["<a></a>\n</a>", /^line 2: a closing tag closes nothing/],
  "a comment that is never closed": ["<a></a>\n<!-- x -- >", /^line 2: a comment is never closed/],
  "a single bracket in a text": ["<a>1 < 2</a>", /attribute 2< has no value/],
  "a name with a slash in it": ["<a/{>", /<a\/\{> is never closed/],
  "an attribute without a value": ["<a x></a>", /attribute x has no value/],
  "an attribute without a value in front of another": ["<a x y='1'></a>", /attribute x has no value/],
  "a blank in front of the equals sign": ["<a x ='1'></a>", /attribute x has no value/],
  "a value without quotes": ["<a x=1></a>", /value of the attribute x is not between quotes/],
  "a value that ends with another quote": [`<a x="1'></a>`, /value of the attribute x has no end/],
  "a > in a value": ['<a x="1>2"></a>', /value of the attribute x has no end/],
  "an attribute twice": ["<a x='1' y='2' x='3'></a>", /attribute x is there twice/],
  "attributes without a blank between them": ["<a x='1'y='2'></a>", /missing behind the value of the attribute x/],
  "a tag that ends in its attributes": ["<a x", /a tag has no end/],
  "a text of 20,480 bytes": [`<a>${long(20_480)}</a>`, /has 20480 bytes or more/],
  "such a name": [`<${long(20_480)}></a>`, /has 20480 bytes or more/],
  "such a name in a closing tag": [`<a></${long(20_480)}>`, /has 20480 bytes or more/],
  "such a name of an attribute": [`<a ${long(20_480)}="1"></a>`, /has 20480 bytes or more/],
  "such a value of an attribute": [`<a x="${long(20_480)}"></a>`, /has 20480 bytes or more/],
  "1,025 elements inside each other": ["<a>".repeat(1025) + "</a>".repeat(1025), /more than 1024 elements inside/],
};
for (const [what, [text, message]] of Object.entries(refused)) {
  test(`Wazuh refuses ${what}`, () => {
    assert.throws(
      () => readOsXml(text),
      (reason) => reason instanceof Unreadable && message.test(reason.message),
    );
  });
}

test("an error shows hostile text shortened and without control characters", () => {
  const name = `\x1b]0;x\x07${long(1000)}`;
  assert.throws(
    () => readOsXml(`<${name}>`),
    (reason) => reason instanceof Unreadable && reason.message === `line 1: <?]0;x?${long(54)}...> is never closed`,
  );
});

test("elements and comments know their position", () => {
  const text = 'x <a>\n<b y="1"/>\n<c />\n</a><!-- z -->';
  const { roots, comments } = readOsXml(text);
  const found = [...roots, ...(roots[0]?.children ?? []), ...comments].map(({ from, to }) => text.slice(from, to));
  assert.deepEqual(found, ['<a>\n<b y="1"/>\n<c />\n</a>', '<b y="1"/>', "<c />", "<!-- z -->"]);
  assert.equal(comments[0]?.text, " z ");
});

test("eight megabytes of tags are read in one go", () => {
  const text = "<a><b>x</b></a>\n".repeat(500_000);
  assert.equal(readOsXml(text).roots.length, 500_000);
});
