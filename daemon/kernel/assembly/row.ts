/**
 * `fillPlainRow` of ../row.ts in AssemblyScript: where the members are that name an alert. Its results are the same to the
 * number, which test/fuzz/targets/kernel.ts checks; what is said there holds here. The text begins where the memory does.
 *
 * Reads no more than 8 bytes behind the beginning of a key, and writes to nothing but the row.
 */

const memberBytes: usize = 20;
const missing: i32 = -1;
/** Numbers of the row. */
const rowLength: usize = 22;

// The places of `rowPlace` in ../row.ts.
const idPlace: usize = 0;
const timestampPlace: usize = 2;
const agentPlace: usize = 4;
const rulePlace: usize = 10;
const nodePlace: usize = 14;
const managerPlace: usize = 16;
const locationPlace: usize = 18;
const integrationPlace: usize = 20;

/**
 * @param tape   where the members of the text are; @param length its numbers
 * @param row    where the row is
 * @returns 1, or 0 if a key is written with an escape that may be one of those that matter
 */
export function fillRow(tape: usize, length: usize, row: usize): i32 {
  for (let place: usize = 0; place < rowLength; place++) store<i32>(row + (place << 2), missing);
  const end = tape + (length << 2);
  let at = tape;
  while (at < end) {
    const start = load<i32>(at);
    const next = tape + ((<usize>load<i32>(at, 16)) << 2);
    if (start < 0) {
      if (hasEscape(<usize>~start, <usize>load<i32>(at, 4))) return 0;
      at = next;
      continue;
    }
    const key = <usize>start + 1;
    const size = <usize>load<i32>(at, 4) - key - 1;
    if (size == 2) {
      if (load<u16>(key) == 0x6469) name(at, row, idPlace);
    } else if (size == 4) {
      const text = load<u32>(key);
      if (text == 0x656c7572) {
        clear(row, rulePlace, 2);
        if (isObject(at) && !rule(tape, at + memberBytes, next, row)) return 0;
      } else if (text == 0x61746164) {
        clear(row, integrationPlace, 1);
        if (isObject(at) && !data(tape, at + memberBytes, next, row)) return 0;
      }
    } else if (size == 5) {
      if (load<u32>(key) == 0x6e656761 && load<u8>(key, 4) == 0x74) {
        clear(row, agentPlace, 3);
        if (isObject(at) && !agent(tape, at + memberBytes, next, row)) return 0;
      }
    } else if (size == 7) {
      const text = load<u64>(key) & 0x00ff_ffff_ffff_ffff;
      if (text == 0x0072_6574_7375_6c63) {
        clear(row, nodePlace, 1);
        if (isObject(at) && !named(tape, at + memberBytes, next, row, 0x65646f6e, nodePlace)) return 0;
      } else if (text == 0x0072_6567_616e_616d) {
        clear(row, managerPlace, 1);
        if (isObject(at) && !named(tape, at + memberBytes, next, row, 0x656d616e, managerPlace)) return 0;
      }
    } else if (size == 8) {
      if (load<u64>(key) == 0x6e6f_6974_6163_6f6c) name(at, row, locationPlace);
    } else if (size == 9) {
      if (load<u64>(key) == 0x6d61_7473_656d_6974 && load<u8>(key, 8) == 0x70) name(at, row, timestampPlace);
    }
    at = next;
  }
  return 1;
}

function rule(tape: usize, from: usize, end: usize, row: usize): bool {
  for (let at = from; at < end; at = behind(tape, at)) {
    const start = load<i32>(at);
    if (start < 0) {
      if (hasEscape(<usize>~start, <usize>load<i32>(at, 4))) return false;
      continue;
    }
    const key = <usize>start + 1;
    const size = <usize>load<i32>(at, 4) - key - 1;
    if (size == 2 && load<u16>(key) == 0x6469) name(at, row, rulePlace);
    else if (size == 5 && load<u32>(key) == 0x6576656c && load<u8>(key, 4) == 0x6c) name(at, row, rulePlace + 2);
  }
  return true;
}

function agent(tape: usize, from: usize, end: usize, row: usize): bool {
  for (let at = from; at < end; at = behind(tape, at)) {
    const start = load<i32>(at);
    if (start < 0) {
      if (hasEscape(<usize>~start, <usize>load<i32>(at, 4))) return false;
      continue;
    }
    const key = <usize>start + 1;
    const size = <usize>load<i32>(at, 4) - key - 1;
    if (size == 2) {
      const text = load<u16>(key);
      if (text == 0x6469) name(at, row, agentPlace);
      else if (text == 0x7069) name(at, row, agentPlace + 4);
    } else if (size == 4 && load<u32>(key) == 0x656d616e) name(at, row, agentPlace + 2);
  }
  return true;
}

function data(tape: usize, from: usize, end: usize, row: usize): bool {
  for (let at = from; at < end; at = behind(tape, at)) {
    const start = load<i32>(at);
    if (start < 0) {
      if (hasEscape(<usize>~start, <usize>load<i32>(at, 4))) return false;
      continue;
    }
    const key = <usize>start + 1;
    const size = <usize>load<i32>(at, 4) - key - 1;
    if (size != 11 || load<u64>(key) != 0x7461_7267_6574_6e69) continue;
    if (load<u16>(key, 8) == 0x6f69 && load<u8>(key, 10) == 0x6e) name(at, row, integrationPlace);
  }
  return true;
}

/** An object in which one key of four letters matters. */
function named(tape: usize, from: usize, end: usize, row: usize, text: u32, place: usize): bool {
  for (let at = from; at < end; at = behind(tape, at)) {
    const start = load<i32>(at);
    if (start < 0) {
      if (hasEscape(<usize>~start, <usize>load<i32>(at, 4))) return false;
      continue;
    }
    const key = <usize>start + 1;
    if (<usize>load<i32>(at, 4) - key - 1 == 4 && load<u32>(key) == text) name(at, row, place);
  }
  return true;
}

/** The member behind this one and all that is in it. */
function behind(tape: usize, at: usize): usize {
  return tape + ((<usize>load<i32>(at, 16)) << 2);
}

function isObject(at: usize): bool {
  return load<u8>(<usize>load<i32>(at, 8)) == 0x7b;
}

/** Notes where a member's value is, if that is a string or a number. */
function name(at: usize, row: usize, place: usize): void {
  const start = load<i32>(at, 8);
  const first = load<u8>(<usize>start);
  const isName = first == 0x22 || first == 0x2d || (first >= 0x30 && first <= 0x39);
  store<i32>(row + (place << 2), isName ? start : missing);
  store<i32>(row + (place << 2), isName ? load<i32>(at, 12) : missing, 4);
}

/** A key that comes again takes back what was found below it. */
function clear(row: usize, place: usize, values: usize): void {
  for (let i = place; i < place + 2 * values; i++) store<i32>(row + (i << 2), missing);
}

function hasEscape(start: usize, end: usize): bool {
  for (let i = start; i < end; i++) if (load<u8>(i) == 0x5c) return true;
  return false;
}
