import type { Member, Value } from "../alert/json.ts";
import { capitalise, escapeAttribute, escapeText } from "./xml.ts";

const quote = 0x22;
const smallA = 0x61;
const smallZ = 0x7a;
const capitalsBefore = 0x20;

/** 1 for each byte that means itself in JSON, in XML's text and in its attributes alike. */
const plain = new Uint8Array(256).fill(1, 0x20, 0x80);
for (const byte of Buffer.from('"\\&<>')) plain[byte] = 0;

/** Room that is kept from one document to the next. */
const keptBytes = 64 * 1024;
/** From here on copying by a call is faster than byte by byte. */
const shortBytes = 24;

/** XML to be written as it stands, once for all documents. */
export function markup(xml: string): Buffer {
  return Buffer.from(JSON.stringify(xml).slice(1, -1));
}

/**
 * Writes an XML document as the JSON string that carries it. The values of an alert are JSON already, and nearly all of
 * their bytes are the same there, in XML, and in JSON again: those are copied. Any other value goes the long way: it is
 * decoded, escaped for XML and escaped for JSON.
 */
export class XmlWriter {
  #target = Buffer.allocUnsafe(keptBytes);
  #at = 0;

  /** Begins a document. What `end` gave for the one before is overwritten. */
  begin(): void {
    if (this.#target.length > keptBytes) this.#target = Buffer.allocUnsafe(keptBytes);
    this.#target[0] = quote;
    this.#at = 1;
  }

  /** The JSON string, with its quotes; valid until the next `begin`. */
  end(): Buffer {
    const target = this.#room(1);
    target[this.#at++] = quote;
    return target.subarray(0, this.#at);
  }

  markup(bytes: Buffer): void {
    const target = this.#room(bytes.length);
    if (bytes.length > shortBytes) target.set(bytes, this.#at);
    else for (let i = 0; i < bytes.length; i++) target[this.#at + i] = bytes[i]!;
    this.#at += bytes.length;
  }

  /** A value as text in an element: a string decoded, anything else as it was written. */
  text(value: Value): void {
    if (!this.#value(value)) this.#encode(escapeText(value.text));
  }

  /** The same between the quotes of an attribute. */
  attribute(value: Value): void {
    if (!this.#value(value)) this.#encode(escapeAttribute(value.text));
  }

  /** The key of a member, with its first character in upper case, between the quotes of an attribute. */
  capitalKey({ bytes, keyStart, keyEnd, key }: Member): void {
    const from = this.#at;
    if (!this.#plain(bytes, keyStart + 1, keyEnd - 1)) return this.#encode(escapeAttribute(capitalise(key)));
    const first = this.#at > from ? this.#target[from]! : 0;
    if (first >= smallA && first <= smallZ) this.#target[from] = first - capitalsBefore;
  }

  #value({ bytes, start, end }: Value): boolean {
    return bytes[start] === quote ? this.#plain(bytes, start + 1, end - 1) : this.#plain(bytes, start, end);
  }

  /** Copies plain bytes; writes nothing and returns false when there is any other among them. */
  #plain(bytes: Buffer, start: number, end: number): boolean {
    const target = this.#room(end - start);
    let to = this.#at;
    for (let from = start; from < end; from++) {
      const byte = bytes[from]!;
      if (plain[byte] !== 1) return false;
      target[to++] = byte;
    }
    this.#at = to;
    return true;
  }

  #encode(xml: string): void {
    this.markup(markup(xml));
  }

  #room(bytes: number): Buffer {
    const wanted = this.#at + bytes;
    if (wanted > this.#target.length) {
      const larger = Buffer.allocUnsafe(Math.max(wanted, this.#target.length * 2));
      larger.set(this.#target.subarray(0, this.#at));
      this.#target = larger;
    }
    return this.#target;
  }
}
