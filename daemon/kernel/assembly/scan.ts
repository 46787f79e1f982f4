/**
 * `scanPlain` of ../plain.ts in AssemblyScript, for WebAssembly with vector instructions: strings are read 16 bytes at a
 * time. Its results are the same to the number, which test/fuzz/targets/kernel.ts checks; what is said there holds here.
 *
 * Reads up to 15 bytes behind the NUL that ends the text, and writes to nothing but the tape, the two lists of open
 * containers and the traits. Whatever the text is, WebAssembly keeps it inside the kernel's memory.
 */

const maxDepth: i32 = 1000;
const memberBytes: usize = 20;
const notAnObject: i32 = -1;
const maxExactDigits: usize = 15;
const inexact: i32 = 1;
const foreign: i32 = 2;

/** Where the memory has what ../memory.ts describes. */
let tapeAt: usize = 0;
let openedAt: usize = 0;
let ownersAt: usize = 0;
let traitsAt: usize = 0;

let traits: i32 = 0;

/** Called once, before the first scan; places in bytes from the beginning of the memory. */
export function layOut(tape: usize, opened: usize, owners: usize, traits: usize): void {
  tapeAt = tape;
  openedAt = opened;
  ownersAt = owners;
  traitsAt = traits;
}

export function scan(start: usize, end: usize): i32 {
  const behind = load<u8>(end);
  store<u8>(end, 0);
  traits = 0;
  const length = scanObject(start, end);
  store<u8>(end, behind);
  store<i32>(traitsAt, traits);
  return length;
}

function scanObject(start: usize, end: usize): i32 {
  const tape = tapeAt;
  const opened = openedAt;
  const owners = ownersAt;
  /** Of the tape, in bytes from its beginning. */
  let length: usize = 0;
  let depth: i32 = 0;
  let isObject = false;
  let i = skipBlanks(start);
  if (load<u8>(i) != 0x7b) return notAnObject;
  while (true) {
    let member: usize = usize.MAX_VALUE;
    if (isObject) {
      if (load<u8>(i) != 0x22) return notAnObject;
      member = length;
      length += memberBytes;
      let keyEnd = asciiFrom(i + 1);
      if (load<u8>(keyEnd) == 0x22) {
        keyEnd++;
        store<i32>(tape + member, <i32>(i - start));
      } else {
        keyEnd = stringFrom(keyEnd);
        if (keyEnd == 0) return notAnObject;
        store<i32>(tape + member, ~(<i32>(i - start)));
      }
      store<i32>(tape + member, <i32>(keyEnd - start), 4);
      i = skipBlanks(keyEnd);
      if (load<u8>(i) != 0x3a) return notAnObject;
      i = skipBlanks(i + 1);
      store<i32>(tape + member, <i32>(i - start), 8);
    }
    const first = load<u8>(i);
    if (first == 0x7b || first == 0x5b) {
      if (depth >= maxDepth) return notAnObject;
      isObject = first == 0x7b;
      store<i32>(opened + ((<usize>depth) << 2), first);
      store<i32>(owners + ((<usize>depth) << 2), <i32>member);
      depth++;
      i = skipBlanks(i + 1);
      if (load<u8>(i) != first + 2) continue;
    } else {
      i = first == 0x22 ? stringFrom(i + 1) : scalar(i, first);
      if (i == 0) return notAnObject;
      if (member != usize.MAX_VALUE) {
        store<i32>(tape + member, <i32>(i - start), 12);
        store<i32>(tape + member, <i32>(length >> 2), 16);
      }
    }
    while (true) {
      i = skipBlanks(i);
      const byte = load<u8>(i);
      if (byte == 0x2c) break;
      if (byte != (isObject ? 0x7d : 0x5d)) return notAnObject;
      i++;
      depth--;
      const owner = load<i32>(owners + ((<usize>depth) << 2));
      if (owner != -1) {
        store<i32>(tape + <usize>owner, <i32>(i - start), 12);
        store<i32>(tape + <usize>owner, <i32>(length >> 2), 16);
      }
      if (depth == 0) return skipBlanks(i) == end ? <i32>(length >> 2) : notAnObject;
      isObject = load<i32>(opened + ((<usize>(depth - 1)) << 2)) == 0x7b;
    }
    i = skipBlanks(i + 1);
  }
}

function skipBlanks(at: usize): usize {
  return load<u8>(at) > 0x20 ? at : skipSome(at);
}

function skipSome(at: usize): usize {
  let i = at;
  while (true) {
    const byte = load<u8>(i);
    if (byte != 0x20 && byte != 0x0a && byte != 0x0d && byte != 0x09) break;
    i++;
  }
  if (i > at) traits |= foreign;
  return i;
}

/** The first index at or after `at` with a byte that is not a character of its own in a string. */
function asciiFrom(at: usize): usize {
  let i = at;
  while (true) {
    const bytes = v128.load(i);
    // Signed: bytes from 0x80 on are below the blank too.
    const found = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c))),
        i8x16.lt_s(bytes, i8x16.splat(0x20)),
      ),
    );
    if (found != 0) return i + <usize>ctz<i32>(found);
    i += 16;
  }
}

function stringFrom(at: usize): usize {
  let i = at;
  while (true) {
    const bytes = v128.load(i);
    const found = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c))),
        i8x16.lt_u(bytes, i8x16.splat(0x20)),
      ),
    );
    if (found == 0) {
      i += 16;
      continue;
    }
    i += <usize>ctz<i32>(found);
    const byte = load<u8>(i);
    if (byte == 0x22) return i + 1;
    if (byte != 0x5c) return 0;
    i = escape(i);
    if (i == 0) return 0;
  }
}

/** The index after the escape that begins at the backslash `at`; 0 when it does not fit. */
function escape(at: usize): usize {
  const letter = load<u8>(at, 1);
  if (letter == 0x6e || letter == 0x22 || letter == 0x5c || letter == 0x74 || letter == 0x72) return at + 2;
  if (letter == 0x62 || letter == 0x66) return at + 2;
  if (letter == 0x2f) {
    traits |= foreign;
    return at + 2;
  }
  if (letter != 0x75) return 0;
  traits |= foreign;
  for (let i = at + 2; i < at + 6; i++) {
    const digit = load<u8>(i);
    if (digit - 0x30 >= 10 && (digit | 0x20) - 0x61 >= 6) return 0;
  }
  return at + 6;
}

function scalar(at: usize, first: u8): usize {
  if (first == 0x2d || isDigit(first)) return number(at, first == 0x2d ? at + 1 : at);
  const word = load<u32>(at);
  if (word == 0x65757274 || word == 0x6c6c756e) return at + 4; // true, null
  return word == 0x736c6166 && load<u8>(at, 4) == 0x65 ? at + 5 : 0; // false
}

function number(at: usize, first: usize): usize {
  const isZero = load<u8>(first) == 0x30;
  let i = isZero ? first + 1 : digits(first);
  if (i > first + maxExactDigits) traits |= inexact | foreign;
  if (isZero && first > at) traits |= foreign;
  if (i != 0 && load<u8>(i) == 0x2e) {
    i = digits(i + 1);
    traits |= foreign;
    if (i > first + 1 + maxExactDigits) traits |= inexact;
  }
  if (i != 0 && (load<u8>(i) | 0x20) == 0x65) {
    traits |= inexact | foreign;
    const sign = load<u8>(i, 1);
    i = digits(sign == 0x2b || sign == 0x2d ? i + 2 : i + 1);
  }
  return i;
}

function digits(at: usize): usize {
  let i = at;
  while (isDigit(load<u8>(i))) i++;
  return i > at ? i : 0;
}

function isDigit(byte: u8): bool {
  return byte >= 0x30 && byte <= 0x39;
}
