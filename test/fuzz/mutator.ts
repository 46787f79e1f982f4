/** Longest input that mutation makes. */
export const longestBytes = 96 * 1024;

/** Maximum that a repeated stretch usually comes to: small inputs are tried faster. */
const usualBytes = 1024;

/** A whole number from 0 to `below` - 1. */
export type Draw = (below: number) => number;

type Mutation = (input: Buffer, draw: Draw) => Buffer;

/** Bytes that end, open or escape something somewhere, and the ends of ranges of UTF-8. */
const telling = Buffer.from([
  0,
  1,
  8,
  9,
  10,
  13,
  0x1f,
  ...Buffer.from(" \"'&<>\\{}[]:,-+.eE09tfnu/"),
  0x7f,
  0x80,
  0xbf,
]);
const high = Buffer.from([0xc0, 0xc3, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xfe, 0xff]);
const bytes = Buffer.concat([telling, high]);

/** Makes a new input from one in the pool by one to four mutations. */
export function mutate(pool: readonly Buffer[], words: readonly string[], draw: Draw): Buffer {
  const dictionary = words.map((word) => Buffer.from(word, "latin1"));
  const mutations: readonly Mutation[] = [
    flip,
    overwrite,
    (input) => spliced(input, draw(input.length + 1), 0, one(dictionary, draw)),
    (input) => spliced(input, draw(input.length + 1), draw(8), one(dictionary, draw)),
    remove,
    repeat,
    tear,
    (input) => splice(input, one(pool, draw), draw),
  ];
  let input = one(pool, draw);
  for (let left = 1 + draw(4); left > 0; left--) input = (mutations[draw(mutations.length)] ?? flip)(input, draw);
  return input.subarray(0, longestBytes);
}

function flip(input: Buffer, draw: Draw): Buffer {
  const flipped = Buffer.from(input);
  const at = draw(Math.max(input.length, 1));
  if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << draw(8));
  return flipped;
}

function overwrite(input: Buffer, draw: Draw): Buffer {
  return spliced(input, draw(input.length + 1), draw(3), Buffer.from([bytes[draw(bytes.length)] ?? 0]));
}

function remove(input: Buffer, draw: Draw): Buffer {
  const at = draw(input.length + 1);
  return spliced(input, at, draw(Math.min(input.length - at, 64) + 1), Buffer.alloc(0));
}

/** A stretch many times over: nesting, long keys, many members. */
function repeat(input: Buffer, draw: Draw): Buffer {
  const at = draw(input.length + 1);
  const stretch = input.subarray(at, at + 1 + draw(24));
  if (stretch.length === 0) return input;
  const most = draw(16) === 0 ? longestBytes : usualBytes;
  const times = Math.min(1 << draw(13), Math.ceil(most / stretch.length));
  return spliced(input, at, 0, Buffer.alloc(stretch.length * times, stretch));
}

/** The end is missing. */
function tear(input: Buffer, draw: Draw): Buffer {
  return input.subarray(0, draw(input.length + 1));
}

/** The beginning of one and the end of another. */
function splice(input: Buffer, other: Buffer, draw: Draw): Buffer {
  return Buffer.concat([input.subarray(0, draw(input.length + 1)), other.subarray(draw(other.length + 1))]);
}

function spliced(input: Buffer, at: number, without: number, put: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, at), put, input.subarray(at + without)]);
}

function one(list: readonly Buffer[], draw: Draw): Buffer {
  return list[draw(list.length)] ?? Buffer.alloc(0);
}
