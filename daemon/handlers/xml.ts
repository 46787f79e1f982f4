/**
 * XML 1.0 as text, always well formed. Escaping is that of Python's ElementTree, which the consumer of the records
 * compares with.
 */

/** What XML 1.0 forbids even as a reference: most control characters, lone surrogates, U+FFFE and U+FFFF. */
const forbidden = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/**
 * Letters that a name may hold in both editions of the standard that parsers go by (the fourth, which expat reads, has
 * fewer than the fifth): Latin, Greek, Cyrillic, kana, CJK and Hangul. A colon would name a namespace.
 */
const letters =
  "A-Z_a-z\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u0131\\u014a-\\u017e\\u038e-\\u03a1\\u03a3-\\u03ce" +
  "\\u040e-\\u044f\\u3041-\\u3094\\u30a1-\\u30fa\\u4e00-\\u9fa5\\uac00-\\ud7a3";
const badInName = new RegExp(`[^-.0-9${letters}]`, "gu");
const goodFirst = new RegExp(`^[${letters}]`, "u");

export type Attribute = readonly [name: string, value: string];

/** An element; `content` is XML, attributes are text. Without content it closes itself. */
export function element(name: string, attributes: readonly Attribute[], content: string): string {
  let head = `<${name}`;
  for (const [key, value] of attributes) head += ` ${key}="${escapeAttribute(value)}"`;
  return content === "" ? `${head} />` : `${head}>${content}</${name}>`;
}

/** Text as the content of an element. Forbidden characters become U+FFFD. */
export function escapeText(text: string): string {
  return mend(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Any text as the name of an element: what a name may not hold becomes `_`. */
export function nameOf(text: string): string {
  const name = text.replace(badInName, "_");
  return goodFirst.test(name) ? name : `_${name}`;
}

function escapeAttribute(text: string): string {
  return escapeText(text)
    .replaceAll('"', "&quot;")
    .replaceAll("\t", "&#09;")
    .replaceAll("\n", "&#10;")
    .replaceAll("\r", "&#13;");
}

function mend(text: string): string {
  return text.replace(forbidden, "\ufffd");
}
