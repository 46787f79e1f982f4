/** Texts that occur again and again, as the names of nodes and agents, made once and used by all alerts that have them. */

/** How many texts are kept; each has one place, which the next one with the same hash takes over. A power of two. */
const places = 4096;
/** Longer ones are made each time. Bytes. */
const longest = 32;

const known = Array.from({ length: places }, () => "");

/**
 * @param bytes ASCII from `start` to `end`, which is not checked
 * @returns the bytes as text
 */
export function internedText(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length > longest) return bytes.toString("latin1", start, end);
  let hash = length;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x9e3779b1);
  const place = (hash ^ (hash >>> 16)) & (places - 1);
  const text = known[place]!;
  return isText(bytes, start, length, text) ? text : (known[place] = bytes.toString("latin1", start, end));
}

function isText(bytes: Buffer, start: number, length: number, text: string): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
  return true;
}
