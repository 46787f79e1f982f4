/** The canonical form of JSON (RFC 8785), for values whose numbers are all integers. */

/** A manifest has five levels. */
const maxDepth = 16;
const loneSurrogate = /\p{Cs}/u;

/** A value cannot be written in the canonical form. */
export class NotCanonical extends Error {}

/**
 * The one text that RFC 8785 allows for a value: no blanks, members in the order of their names' UTF-16 units (which is how
 * JavaScript compares strings), strings with the escapes of ECMAScript's JSON.stringify (section 3.2.2.2). Of numbers only
 * integers within 2^53-1 are taken, whose canonical text is their digits. Members that are undefined are left out.
 * @throws NotCanonical for any other number, for a string with half a surrogate pair, which the RFC forbids, for what JSON
 *         does not have, and beyond 16 levels
 */
export function canonicalJson(value: unknown, depth = 0): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return canonicalString(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new NotCanonical(`${value} is not an integer within 2^53-1`);
    return String(value === 0 ? 0 : value);
  }
  if (typeof value !== "object") throw new NotCanonical(`JSON has no ${typeof value}`);
  if (depth >= maxDepth) throw new NotCanonical(`more than ${maxDepth} levels`);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item, depth + 1)).join(",")}]`;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const texts = members.map(([name, member]) => `${canonicalString(name)}:${canonicalJson(member, depth + 1)}`);
  return `{${texts.join(",")}}`;
}

function canonicalString(text: string): string {
  if (loneSurrogate.test(text)) throw new NotCanonical("a string holds half of a surrogate pair");
  return JSON.stringify(text);
}

/** Whether JSON text has more levels than the canonical form is read with. Costs no stack. */
export function isTooDeep(json: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < json.length; at++) {
    const unit = json.charCodeAt(at);
    if (unit === 0x22) isInString = !isInString;
    else if (isInString) at += unit === 0x5c ? 1 : 0;
    else if (unit === 0x5b || unit === 0x7b) {
      depth += 1;
      if (depth > maxDepth) return true;
    } else if (unit === 0x5d || unit === 0x7d) depth -= 1;
  }
  return false;
}
