/**
 * `fillPlainRow` of ../row.ts in AssemblyScript: where the members are that name an alert. Its results are the same to the
 * number, which test/fuzz/targets/kernel.ts checks; what is said there holds here. The text begins where the memory does.
 *
 * Reads no more than 8 bytes behind the beginning of a key, and writes to nothing but the row.
 */

const memberBytes: usize = 20;
const missing: i32 = -1;
/** Of the row; each has two numbers, where it begins and where it ends. */
const rowValues: usize = 11;

// The places of `rowPlace` in ../row.ts.
const idPlace: usize = 0;
const timestampPlace: usize = 2;
const agentPlace: usize = 4;
const rulePlace: usize = 10;
const nodePlace: usize = 14;
const managerPlace: usize = 16;
const locationPlace: usize = 18;
const integrationPlace: usize = 20;

/** Objects in which keys matter; from `agentObject` on each is also what `placeOf` says of a key whose value is that object. */
const alertObject: i32 = 0;
const agentObject: i32 = 100;
const ruleObject: i32 = 101;
const clusterObject: i32 = 102;
const managerObject: i32 = 103;
const dataObject: i32 = 104;
const noPlace: i32 = -1;

/**
 * @param tape   where the members of the text are
 * @param length how many numbers they take
 * @param row    where the row is
 * @returns 1, or 0 if a key is written with an escape that may be one of those that matter
 */
export function fillRow(tape: usize, length: usize, row: usize): i32 {
  clear(row, 0, rowValues);
  return walk(tape, tape, tape + (length << 2), row, alertObject) ? 1 : 0;
}

function walk(tape: usize, from: usize, end: usize, row: usize, object: i32): bool {
  let at = from;
  while (at < end) {
    const start = load<i32>(at);
    const next = tape + ((<usize>load<i32>(at, 16)) << 2);
    if (start < 0) {
      if (hasEscape(<usize>~start, <usize>load<i32>(at, 4))) return false;
    } else {
      const place = placeOf(object, <usize>start + 1, load<i32>(at, 4) - start - 2);
      if (place >= agentObject) {
        if (!enter(tape, at, next, row, place)) return false;
      } else if (place != noPlace) name(at, row, <usize>place);
    }
    at = next;
  }
  return true;
}

/** A key that comes again takes back what was found below it. */
function enter(tape: usize, at: usize, next: usize, row: usize, object: i32): bool {
  if (object == agentObject) clear(row, agentPlace, 3);
  else if (object == ruleObject) clear(row, rulePlace, 2);
  else if (object == clusterObject) clear(row, nodePlace, 1);
  else if (object == managerObject) clear(row, managerPlace, 1);
  else clear(row, integrationPlace, 1);
  return load<u8>(<usize>load<i32>(at, 8)) != 0x7b || walk(tape, at + memberBytes, next, row, object);
}

/** Where in the row the value of this key belongs, or which object it is; `noPlace` if it does not matter. */
function placeOf(object: i32, key: usize, size: i32): i32 {
  if (object == alertObject) return placeInAlert(key, size);
  if (object == agentObject) {
    if (size == 2 && load<u16>(key) == 0x6469) return <i32>agentPlace; // id
    if (size == 4 && load<u32>(key) == 0x656d616e) return <i32>agentPlace + 2; // name
    return size == 2 && load<u16>(key) == 0x7069 ? <i32>agentPlace + 4 : noPlace; // ip
  }
  if (object == ruleObject) {
    if (size == 2 && load<u16>(key) == 0x6469) return <i32>rulePlace; // id
    return size == 5 && load<u32>(key) == 0x6576656c && load<u8>(key, 4) == 0x6c ? <i32>rulePlace + 2 : noPlace; // level
  }
  if (object == clusterObject) return size == 4 && load<u32>(key) == 0x65646f6e ? <i32>nodePlace : noPlace; // node
  if (object == managerObject) return size == 4 && load<u32>(key) == 0x656d616e ? <i32>managerPlace : noPlace; // name
  if (size != 11 || load<u64>(key) != 0x7461_7267_6574_6e69) return noPlace; // integrat
  return load<u16>(key, 8) == 0x6f69 && load<u8>(key, 10) == 0x6e ? <i32>integrationPlace : noPlace; // ion
}

function placeInAlert(key: usize, size: i32): i32 {
  if (size == 2) return load<u16>(key) == 0x6469 ? <i32>idPlace : noPlace; // id
  if (size == 4) {
    const text = load<u32>(key);
    return text == 0x656c7572 ? ruleObject : text == 0x61746164 ? dataObject : noPlace; // rule, data
  }
  if (size == 5) return load<u32>(key) == 0x6e656761 && load<u8>(key, 4) == 0x74 ? agentObject : noPlace; // agent
  if (size == 7) {
    const text = load<u64>(key) & 0x00ff_ffff_ffff_ffff;
    if (text == 0x0072_6574_7375_6c63) return clusterObject;
    return text == 0x0072_6567_616e_616d ? managerObject : noPlace;
  }
  if (size == 8) return load<u64>(key) == 0x6e6f_6974_6163_6f6c ? <i32>locationPlace : noPlace; // location
  if (size != 9 || load<u64>(key) != 0x6d61_7473_656d_6974) return noPlace; // timestam
  return load<u8>(key, 8) == 0x70 ? <i32>timestampPlace : noPlace; // p
}

/** Notes where a member's value is, if that is a string or a number. */
function name(at: usize, row: usize, place: usize): void {
  const start = load<i32>(at, 8);
  const first = load<u8>(<usize>start);
  const isName = first == 0x22 || first == 0x2d || (first >= 0x30 && first <= 0x39);
  store<i32>(row + (place << 2), isName ? start : missing);
  store<i32>(row + (place << 2), isName ? load<i32>(at, 12) : missing, 4);
}

function clear(row: usize, place: usize, values: usize): void {
  for (let i = place; i < place + 2 * values; i++) store<i32>(row + (i << 2), missing);
}

function hasEscape(start: usize, end: usize): bool {
  for (let i = start; i < end; i++) if (load<u8>(i) == 0x5c) return true;
  return false;
}
