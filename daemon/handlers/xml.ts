/**
 * Text for XML 1.0, so that it is always well formed. Escaping is that of Python's ElementTree, which the consumer of the
 * records compares with.
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

/** Text as the content of an element. Forbidden characters become U+FFFD. */
export function escapeText(text: string): string {
  return text.replace(forbidden, "\ufffd").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Any text as the name of an element: what a name may not hold becomes `_`. */
export function xmlName(text: string): string {
  const name = text.replace(badInName, "_");
  return goodFirst.test(name) ? name : `_${name}`;
}

/** Text between the quotes of an attribute. */
export function escapeAttribute(text: string): string {
  return escapeText(text)
    .replaceAll('"', "&quot;")
    .replaceAll("\t", "&#09;")
    .replaceAll("\n", "&#10;")
    .replaceAll("\r", "&#13;");
}

/** With its first character, a code point, in upper case. */
export function capitalise(text: string): string {
  const [first = ""] = text;
  return first.toUpperCase() + text.slice(first.length);
}
