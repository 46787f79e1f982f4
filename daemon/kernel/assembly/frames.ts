/**
 * XML inside a JSON string, written from members of the text that was scanned last; what is said in ../frames.ts holds here.
 * A function that meets what is rare returns 0, and what it has written is worth nothing: the caller goes the ordinary way.
 *
 * Reads up to 15 bytes behind a text, and writes up to 15 behind the end of what it writes: the memory has room for both.
 */

/** Of an entry of a table: nine numbers that say what is written, and where the member is. */
const entryBytes: usize = 40;

/**
 * Writes the members of an object in the order of a table.
 * @param tape where the members of the text are; theirs from the number `from` up to `to`
 * @param out  where it is written; @param outEnd where it must have ended
 * @returns the end of what was written, or 0
 */
export function writeFrames(
  tape: usize,
  from: usize,
  to: usize,
  table: usize,
  count: usize,
  out: usize,
  outEnd: usize,
): usize {
  const tableEnd = table + count * entryBytes;
  for (let entry = table; entry < tableEnd; entry += entryBytes) store<i32>(entry, 0, 36);
  const end = tape + (to << 2);
  let next = table;
  for (let at = tape + (from << 2); at < end; at = tape + ((<usize>load<i32>(at, 16)) << 2)) {
    const start = load<i32>(at);
    if (start < 0) return 0;
    const key = <usize>start + 1;
    const size = load<i32>(at, 4) - start - 2;
    for (let tries: usize = 0; tries < count; tries++) {
      const entry = next;
      next = next + entryBytes < tableEnd ? next + entryBytes : table;
      if (load<i32>(entry, 4) == size && isSame(key, <usize>load<i32>(entry), <usize>size)) {
        store<i32>(entry, <i32>at, 36);
        break;
      }
    }
  }
  let written = out;
  for (let entry = table; entry < tableEnd; entry += entryBytes) {
    const at = <usize>load<i32>(entry, 36);
    const isAttribute = load<i32>(entry, 32) != 0;
    if (at == 0 || (isAttribute ? isNull(at) : isBlank(at))) {
      written = put(load<i32>(entry, 24), load<i32>(entry, 28), written, outEnd);
    } else {
      written = put(load<i32>(entry, 8), load<i32>(entry, 12), written, outEnd);
      if (written != 0) written = value(at, isAttribute, written, outEnd);
      if (written != 0) written = put(load<i32>(entry, 16), load<i32>(entry, 20), written, outEnd);
    }
    if (written == 0) return 0;
  }
  return written;
}

/**
 * Writes each member of an object with its key as an attribute, the first letter in upper case.
 * @param marks where what goes before the key, between key and text, behind the text, and behind the key of a blank one is,
 *              and how long each is
 */
export function writeData(tape: usize, from: usize, to: usize, marks: usize, out: usize, outEnd: usize): usize {
  const end = tape + (to << 2);
  let written = out;
  for (let at = tape + (from << 2); at < end; at = tape + ((<usize>load<i32>(at, 16)) << 2)) {
    const start = load<i32>(at);
    if (start < 0) return 0;
    const name = put(load<i32>(marks), load<i32>(marks, 4), written, outEnd);
    if (name == 0) return 0;
    written = escaped(<usize>start + 1, <usize>load<i32>(at, 4) - 1, true, name, outEnd);
    if (written == 0) return 0;
    const first = load<u8>(name);
    if (written > name && first >= 0x61 && first <= 0x7a) store<u8>(name, first - 0x20);
    if (isBlank(at)) written = put(load<i32>(marks, 24), load<i32>(marks, 28), written, outEnd);
    else {
      written = put(load<i32>(marks, 8), load<i32>(marks, 12), written, outEnd);
      if (written != 0) written = value(at, false, written, outEnd);
      if (written != 0) written = put(load<i32>(marks, 16), load<i32>(marks, 20), written, outEnd);
    }
    if (written == 0) return 0;
  }
  return written;
}

/** A member's value: what is between the quotes of a string, anything else as it is. */
function value(at: usize, isAttribute: bool, out: usize, outEnd: usize): usize {
  const start = <usize>load<i32>(at, 8);
  const end = <usize>load<i32>(at, 12);
  const inner: usize = load<u8>(start) == 0x22 ? 1 : 0;
  return escaped(start + inner, end - inner, isAttribute, out, outEnd);
}

function escaped(start: usize, end: usize, isAttribute: bool, out: usize, outEnd: usize): usize {
  let from = start;
  let to = out;
  while (from < end) {
    if (to + 16 > outEnd) return 0;
    const bytes = v128.load(from);
    v128.store(to, bytes);
    // Signed: bytes from 0x80 on are below the blank too.
    const found = i8x16.bitmask(
      v128.or(
        v128.or(
          v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c))),
          v128.or(i8x16.eq(bytes, i8x16.splat(0x26)), i8x16.lt_s(bytes, i8x16.splat(0x20))),
        ),
        v128.or(i8x16.eq(bytes, i8x16.splat(0x3c)), i8x16.eq(bytes, i8x16.splat(0x3e))),
      ),
    );
    const length: usize = found == 0 ? 16 : <usize>ctz<i32>(found);
    if (from + length >= end) return to + (end - from);
    from += length;
    to += length;
    if (found == 0) continue;
    if (to + 16 > outEnd) return 0;
    const byte = load<u8>(from);
    if (byte == 0x26)
      to = reference(0x003b_706d_6126, 5, to); // &amp;
    else if (byte == 0x3c)
      to = reference(0x3b74_6c26, 4, to); // &lt;
    else if (byte == 0x3e)
      to = reference(0x3b74_6726, 4, to); // &gt;
    else if (byte == 0x5c) {
      to = unescaped(load<u8>(from, 1), isAttribute, to);
      if (to == 0) return 0;
      from++;
    } else return 0;
    from++;
  }
  return to;
}

/** What an escape of JSON means, as JSON again, and in an attribute as a reference. */
function unescaped(letter: u8, isAttribute: bool, to: usize): usize {
  if (letter == 0x5c) return reference(0x5c5c, 2, to);
  if (letter == 0x2f) return reference(0x2f, 1, to);
  if (letter == 0x22) return isAttribute ? reference(0x3b74_6f75_7126, 6, to) : reference(0x225c, 2, to); // &quot;
  if (letter == 0x6e) return isAttribute ? reference(0x003b_3031_2326, 5, to) : reference(0x6e5c, 2, to); // &#10;
  if (letter == 0x72) return isAttribute ? reference(0x003b_3331_2326, 5, to) : reference(0x725c, 2, to); // &#13;
  if (letter == 0x74) return isAttribute ? reference(0x003b_3930_2326, 5, to) : reference(0x745c, 2, to); // &#09;
  return 0;
}

/** Writes up to eight bytes. */
function reference(text: u64, length: usize, to: usize): usize {
  store<u64>(to, text);
  return to + length;
}

function put(text: i32, length: i32, out: usize, outEnd: usize): usize {
  const size = <usize>length;
  if (out + size > outEnd) return 0;
  for (let i: usize = 0; i < size; i += 16) v128.store(out + i, v128.load(<usize>text + i));
  return out + size;
}

function isNull(at: usize): bool {
  return load<u8>(<usize>load<i32>(at, 8)) == 0x6e;
}

function isBlank(at: usize): bool {
  const start = load<i32>(at, 8);
  const first = load<u8>(<usize>start);
  return first == 0x6e || (first == 0x22 && load<i32>(at, 12) - start == 2);
}

function isSame(one: usize, other: usize, size: usize): bool {
  for (let i: usize = 0; i < size; i++) if (load<u8>(one + i) != load<u8>(other + i)) return false;
  return true;
}
