/**
 * Strict well-formedness of XML 1.0 (fifth edition) for what the product writes: elements, attributes, character data
 * and references. Comments, instructions, CDATA and declarations are not written, so they are refused.
 */

export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** Elements, and text with its references resolved. */
  readonly children: (XmlElement | string)[];
}

const nameStart =
  ":A-Z_a-z\\u{c0}-\\u{d6}\\u{d8}-\\u{f6}\\u{f8}-\\u{2ff}\\u{370}-\\u{37d}\\u{37f}-\\u{1fff}\\u{200c}-\\u{200d}" +
  "\\u{2070}-\\u{218f}\\u{2c00}-\\u{2fef}\\u{3001}-\\u{d7ff}\\u{f900}-\\u{fdcf}\\u{fdf0}-\\u{fffd}\\u{10000}-\\u{effff}";
const name = new RegExp(`[${nameStart}][-.0-9\\u{b7}\\u{300}-\\u{36f}\\u{203f}-\\u{2040}${nameStart}]*`, "uy");
const space = /[ \t\r\n]+/y;
const equals = /[ \t\r\n]*=[ \t\r\n]*/y;
const quoted = /"([^<"]*)"|'([^<']*)'/y;
const text = /[^<]+/y;
const notChar = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;
const references: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);

/**
 * Reads a document.
 * @throws Error that says at which position it is not well formed
 */
export function readXml(xml: string): XmlElement {
  let at = 0;
  const fail = (what: string): never => {
    throw new Error(`not well formed at ${at}: ${what}: ${JSON.stringify(xml.slice(at, at + 40))}`);
  };
  const take = (pattern: RegExp, what: string): RegExpExecArray => {
    pattern.lastIndex = at;
    const found = pattern.exec(xml) ?? fail(what);
    at += found[0].length;
    return found;
  };
  const skip = (literal: string): boolean => {
    const isThere = xml.startsWith(literal, at);
    if (isThere) at += literal.length;
    return isThere;
  };
  const decode = (raw: string): string => {
    if (notChar.test(raw)) fail("a forbidden character");
    return raw.replaceAll(/&([^;]*);?/g, (whole, body: string) => {
      const digits = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(body);
      const code = digits?.[1] === undefined ? Number(digits?.[2] ?? 0) : Number.parseInt(digits[1], 16);
      const found = references.get(body) ?? (code > 0 && code < 0x110000 ? String.fromCodePoint(code) : undefined);
      if (!whole.endsWith(";") || found === undefined || notChar.test(found)) fail(`the reference ${whole}`);
      return found ?? "";
    });
  };
  const readAttributes = (): Map<string, string> => {
    const attributes = new Map<string, string>();
    while (!xml.startsWith(">", at) && !xml.startsWith("/>", at)) {
      take(space, "a blank before an attribute");
      if (xml.startsWith(">", at) || xml.startsWith("/>", at)) break;
      const [key] = take(name, "the name of an attribute");
      take(equals, "an equals sign");
      const [, double, single] = take(quoted, "a quoted value");
      if (attributes.has(key)) fail(`the attribute ${key} twice`);
      attributes.set(key, decode(double ?? single ?? ""));
    }
    return attributes;
  };

  const open: XmlElement[] = [];
  for (;;) {
    const parent = open.at(-1);
    if (parent !== undefined && !xml.startsWith("<", at)) {
      const [raw] = take(text, "text");
      if (raw.includes("]]>")) fail("]]> in text");
      parent.children.push(decode(raw));
      continue;
    }
    let closed: XmlElement | undefined;
    if (parent !== undefined && skip("</")) {
      if (take(name, "the name of an element")[0] !== parent.name) fail(`the end of ${parent.name}`);
      closed = open.pop();
    } else {
      if (!skip("<")) fail("an element");
      const element = { name: take(name, "the name of an element")[0], attributes: readAttributes(), children: [] };
      parent?.children.push(element);
      if (skip("/")) closed = element;
      else open.push(element);
    }
    if (!skip(">")) fail("the end of a tag");
    if (closed !== undefined && open.length === 0)
      return at === xml.length ? closed : fail("something behind the root");
  }
}
