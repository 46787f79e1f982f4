/**
 * ASN.1 as certificates, keys and PKCS#12 files are written in (X.690): DER, and the BER that some Java programs write,
 * with lengths that are left open and strings in pieces. A reader, nothing more; hostile input ends in an error.
 */

export interface DerElement {
  /** The identifier byte: class, constructed bit and number, e.g. 0x30 for a SEQUENCE. */
  readonly tag: number;
  /** Without identifier and length. */
  readonly content: Buffer;
  /** All of it. */
  readonly whole: Buffer;
  /** The elements inside; empty unless the constructed bit is set. */
  readonly children: readonly DerElement[];
}

export const tags = { integer: 0x02, octets: 0x04, oid: 0x06, sequence: 0x30, set: 0x31, explicit0: 0xa0 } as const;

const constructed = 0x20;
/** A PKCS#12 file has a dozen levels; one with a hundred certificates some thousand elements. */
const maxDepth = 32;
const maxElements = 20_000;

/** Not ASN.1, or not what was expected at this place. */
class DerError extends Error {
  override readonly name = "DerError";
}

/**
 * The element that the bytes begin with. What follows it is not looked at.
 * @throws DerError
 */
export function readDer(bytes: Buffer): DerElement {
  return read(bytes, 0, maxDepth, { left: maxElements }).element;
}

interface Read {
  readonly element: DerElement;
  readonly end: number;
}

function read(bytes: Buffer, start: number, depthLeft: number, budget: { left: number }): Read {
  if (depthLeft === 0 || budget.left-- === 0) throw new DerError("nested too deeply, or too many elements");
  const tag = bytes[start];
  const first = bytes[start + 1];
  if (tag === undefined || first === undefined) throw new DerError("cut off");
  if ((tag & 0x1f) === 0x1f) throw new DerError("an identifier of several bytes");
  let at = start + 2;
  let end: number | undefined;
  if (first < 0x80) end = at + first;
  else if (first === 0x80) {
    if ((tag & constructed) === 0) throw new DerError("an open length of something that is not constructed");
  } else {
    const count = first & 0x7f;
    if (count > 4 || at + count > bytes.length) throw new DerError("cut off, or a length of too many bytes");
    end = at + count + bytes.readUIntBE(at, count);
    at += count;
  }
  if (end !== undefined && end > bytes.length) throw new DerError("cut off");
  const contentStart = at;
  const children: DerElement[] = [];
  if ((tag & constructed) !== 0) {
    const within = end === undefined ? bytes : bytes.subarray(0, end);
    while (end === undefined || at < end) {
      // Two zero bytes end what has an open length.
      if (end === undefined && bytes[at] === 0 && bytes[at + 1] === 0) break;
      const child = read(within, at, depthLeft - 1, budget);
      children.push(child.element);
      at = child.end;
    }
  }
  const contentEnd = end ?? at;
  const after = end ?? at + 2;
  const element = {
    tag,
    content: bytes.subarray(contentStart, contentEnd),
    whole: bytes.subarray(start, after),
    children,
  };
  return { element, end: after };
}

/** The child at a place, which must have this tag if one is given. @throws DerError */
export function childOf(element: DerElement, index: number, tag?: number): DerElement {
  const child = element.children[index];
  if (child === undefined || (tag !== undefined && child.tag !== tag)) throw new DerError("not the expected structure");
  return child;
}

/** The bytes of a string, of which BER may have made several pieces; whatever its tag is. */
export function stringBytes(element: DerElement): Buffer {
  if ((element.tag & constructed) === 0) return element.content;
  return Buffer.concat(element.children.map(stringBytes));
}

/** An integer from 0 to 2^48-1. @throws DerError for any other */
export function smallInteger(element: DerElement): number {
  const { tag, content } = element;
  if (tag !== tags.integer || content.length === 0 || content.length > 6 || (content[0] ?? 0) >= 0x80) {
    throw new DerError("a number that is out of range");
  }
  return content.readUIntBE(0, content.length);
}

/** An object identifier in dots. @throws DerError */
export function oidText(element: DerElement): string {
  if (element.tag !== tags.oid) throw new DerError("not an object identifier");
  const numbers: number[] = [];
  let value = 0;
  for (const byte of element.content) {
    value = value * 128 + (byte & 0x7f);
    if (value > 0xffff_ffff) throw new DerError("an object identifier that is out of range");
    if (byte < 0x80) {
      numbers.push(value);
      value = 0;
    }
  }
  const [first = 0, ...rest] = numbers;
  const top = Math.min(Math.floor(first / 40), 2);
  return [top, first - 40 * top, ...rest].join(".");
}
