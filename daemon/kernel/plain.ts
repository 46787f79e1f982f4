/**
 * The grammar of `Scanner` (daemon/alert/scanner.ts) in one pass over the kernel's memory. Only usual texts are of
 * interest: that a text does not fit is found here, where and why is found by `Scanner`.
 *
 * No index is compared with the end of the text: a NUL follows it, which fits nowhere.
 */
import {
  containerOwners,
  maxDepth,
  memberSize,
  noOwner,
  openedContainers,
  kernelTape,
  kernelText,
  kernelView,
} from "./memory.ts";

const quote = 0x22;
const comma = 0x2c;
const minus = 0x2d;
const point = 0x2e;
const slash = 0x2f;
const zero = 0x30;
const nine = 0x39;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const openBrace = 0x7b;
const space = 0x20;

/** What a scan returns for a text that is not one JSON object. */
export const notAnObject = -1;

/** 1 for each byte that represents itself in a string. */
const plain = new Uint8Array(256).fill(1, space);
plain[quote] = plain[backslash] = 0;

/** 1 for each of those that is also a character of its own. */
const ascii = plain.slice().fill(0, 0x80);

/** 1 for each byte that may follow a backslash and ends the escape. */
const escapes = new Uint8Array(256);
for (const letter of '"\\/bfnrt') escapes[letter.charCodeAt(0)] = 1;

/** 1 for each hexadecimal digit. */
const hexDigits = new Uint8Array(256);
for (const digit of "0123456789abcdefABCDEF") hexDigits[digit.charCodeAt(0)] = 1;

/** Every decimal number of up to this many digits survives in a double (DBL_DIG). */
const maxExactDigits = 15;

let isInexact = false;
let isForeign = false;

/** Whether the text that was scanned last holds a number that a double does not hold to the digit; see `Scanner`. */
export function plainInexactNumber(): boolean {
  return isInexact;
}

/** Whether that text is written differently from how cJSON would print it; see `Scanner`. */
export function plainForeignForm(): boolean {
  return isForeign;
}

/**
 * Scans a text that is one JSON object, with nothing but blanks around it, and writes its members on the tape.
 * @param start where it begins in the memory
 * @param end   where it ends; the byte there is changed
 * @returns how much of the tape is written, or `notAnObject`
 */
export function scanPlain(start: number, end: number): number {
  const behind = kernelText[end]!;
  kernelText[end] = 0;
  const length = scanObject(start, end);
  kernelText[end] = behind;
  return length;
}

function scanObject(start: number, end: number): number {
  isInexact = isForeign = false;
  // As variables of the function: its loops then keep them in registers.
  const bytes = kernelText;
  const tape = kernelTape;
  const opened = openedContainers;
  const owners = containerOwners;
  const isAscii = ascii;
  let length = 0;
  let depth = 0;
  let isObject = false;
  let i = bytes[start]! > space ? start : skipBlanks(start);
  if (bytes[i] !== openBrace) return notAnObject;
  for (;;) {
    // Here begins the outermost object, a member of an object or an element of an array.
    let member = noOwner;
    if (isObject) {
      if (bytes[i] !== quote) return notAnObject;
      member = length;
      length += memberSize;
      let keyEnd = i + 1;
      while (isAscii[bytes[keyEnd]!] === 1) keyEnd++;
      if (bytes[keyEnd] === quote) {
        keyEnd++;
        tape[member] = i - start;
      } else {
        keyEnd = stringFrom(keyEnd);
        if (keyEnd < 0) return notAnObject;
        tape[member] = ~(i - start);
      }
      tape[member + 1] = keyEnd - start;
      i = bytes[keyEnd]! > space ? keyEnd : skipBlanks(keyEnd);
      if (bytes[i] !== colon) return notAnObject;
      i++;
      if (bytes[i]! <= space) i = skipBlanks(i);
      tape[member + 2] = i - start;
    }
    const first = bytes[i]!;
    if (first === openBrace || first === openBracket) {
      if (depth >= maxDepth) return notAnObject;
      isObject = first === openBrace;
      opened[depth] = first;
      owners[depth++] = member;
      i++;
      if (bytes[i]! <= space) i = skipBlanks(i);
      if (bytes[i] !== first + 2) continue;
      // An empty container: its closing byte is met below.
    } else {
      if (first === quote) {
        i = plainFrom(i + 1);
        i = bytes[i] === quote ? i + 1 : stringFrom(i);
      } else i = scalar(i, first);
      if (i < 0) return notAnObject;
      if (member !== noOwner) {
        tape[member + 3] = i - start;
        tape[member + 4] = length;
      }
    }
    for (;;) {
      let byte = bytes[i]!;
      if (byte <= space) byte = bytes[(i = skipBlanks(i))]!;
      if (byte === comma) break;
      if (byte !== (isObject ? openBrace : openBracket) + 2) return notAnObject;
      i++;
      depth--;
      const owner = owners[depth]!;
      if (owner !== noOwner) {
        tape[owner + 3] = i - start;
        tape[owner + 4] = length;
      }
      if (depth === 0) {
        if (bytes[i]! <= space) i = skipBlanks(i);
        return i === end ? length : notAnObject;
      }
      isObject = opened[depth - 1] === openBrace;
    }
    i++;
    if (bytes[i]! <= space) i = skipBlanks(i);
  }
}

/** The first index at or after `at` that is not JSON whitespace: cJSON, which writes alerts.json, prints none. */
function skipBlanks(at: number): number {
  let i = at;
  for (;;) {
    const byte = kernelText[i]!;
    if (byte !== space && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    i++;
  }
  if (i > at) isForeign = true;
  return i;
}

/** The first index at or after `at` with a byte that does not represent itself in a string. */
function plainFrom(at: number): number {
  let i = at;
  // Four bytes at a time: of each term, the highest bit of a byte is set if that byte is below a blank, a quote or a
  // backslash (bytes above one that is may be wrong, but then there is one).
  for (;;) {
    const four = kernelView.getInt32(i, true);
    const quotes = four ^ 0x22222222;
    const backslashes = four ^ 0x5c5c5c5c;
    const found =
      ((four - 0x20202020) & ~four) | ((quotes - 0x01010101) & ~quotes) | ((backslashes - 0x01010101) & ~backslashes);
    if ((found & 0x80808080) !== 0) break;
    i += 4;
  }
  while (plain[kernelText[i]!] === 1) i++;
  return i;
}

/** The index after a string of which what comes before `at` was read; negative when it does not fit. */
function stringFrom(at: number): number {
  let i = at;
  for (;;) {
    while (plain[kernelText[i]!] === 1) i++;
    const byte = kernelText[i]!;
    if (byte === quote) return i + 1;
    if (byte !== backslash) return -1;
    const letter = kernelText[i + 1]!;
    if (escapes[letter] === 1) {
      if (letter === slash) isForeign = true;
      i += 2;
      continue;
    }
    if (letter !== 0x75) return -1;
    isForeign = true;
    for (const stop = (i += 2) + 4; i < stop; i++) if (hexDigits[kernelText[i]!] !== 1) return -1;
  }
}

/** The index after a number or a word; negative when it is neither. */
function scalar(at: number, first: number): number {
  if (first === minus || (first >= zero && first <= nine)) return number(at, first);
  if (first === 0x74) return word(at, 0x72, 0x75, 0x65);
  if (first === 0x6e) return word(at, 0x75, 0x6c, 0x6c);
  if (first !== 0x66 || kernelText[at + 1] !== 0x61) return -1;
  return word(at + 1, 0x6c, 0x73, 0x65);
}

function word(at: number, second: number, third: number, fourth: number): number {
  return kernelText[at + 1] === second && kernelText[at + 2] === third && kernelText[at + 3] === fourth ? at + 4 : -1;
}

function number(at: number, sign: number): number {
  const first = sign === minus ? at + 1 : at;
  const isZero = kernelText[first] === zero;
  let i = isZero ? first + 1 : digits(first);
  if (i > first + maxExactDigits) isInexact = isForeign = true;
  // `-0` is printed as `0`.
  if (isZero && first > at) isForeign = true;
  if (i > 0 && kernelText[i] === point) {
    i = digits(i + 1);
    isForeign = true;
    // All digits of it, and the point.
    if (i > first + 1 + maxExactDigits) isInexact = true;
  }
  if (i > 0 && (kernelText[i]! | 0x20) === 0x65) {
    isInexact = isForeign = true;
    const sign = kernelText[i + 1];
    i = digits(sign === 0x2b || sign === minus ? i + 2 : i + 1);
  }
  return i;
}

/** The index after at least one digit; negative when there is none. */
function digits(at: number): number {
  let i = at;
  while (kernelText[i]! >= zero && kernelText[i]! <= nine) i++;
  return i > at ? i : -1;
}
