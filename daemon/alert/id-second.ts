const dot = 0x2e;
const digit0 = 0x30;
const maxSecondDigits = 10;

/** Each alert's id is asked about several times in a row. */
let lastId = "";
let lastSecond = -1;

/**
 * Seconds since 1970 that an alert's id begins with, 1 to 10 digits; -1 if it is not `<second>.<offset>` (Wazuh 4.14:
 * analysisd/format/to_json.c:56-62).
 */
export function idSecond(id: string): number {
  if (id !== lastId) {
    lastSecond = secondIn(id);
    lastId = id;
  }
  return lastSecond;
}

function secondIn(id: string): number {
  let second = 0;
  let at = 0;
  for (let digit = digitAt(id, at); digit >= 0; digit = digitAt(id, at)) {
    if (++at > maxSecondDigits) return -1;
    second = second * 10 + digit;
  }
  if (at === 0 || id.charCodeAt(at) !== dot || at + 1 === id.length) return -1;
  for (at += 1; at < id.length; at++) if (digitAt(id, at) < 0) return -1;
  return second;
}

/** -1 for what is none, and beyond the end. */
function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - digit0;
  return digit >= 0 && digit <= 9 ? digit : -1;
}
