import { isUtf8 } from "node:buffer";
import type { Value } from "../alert/value.ts";

const emptyString = '""';

/**
 * A member of a record's value, its name plain letters: bytes of the alert that pass through as they are, or anything
 * that JSON can write.
 */
export type Field = readonly [name: string, value: Value | string | number | boolean | null];

/**
 * A JSON object of these members, in their order. A `Value` goes in as it was written: numbers of any size, duplicate
 * keys and escapes stay. The result is valid UTF-8, as JSON demands: a value that is not has its bad bytes replaced.
 */
export function jsonObject(fields: readonly Field[]): Buffer {
  const parts: (string | Buffer)[] = [];
  let text = "{";
  for (const [name, value] of fields) {
    text += text === "{" ? `"${name}":` : `,"${name}":`;
    if (typeof value === "object" && value !== null) {
      parts.push(text, validUtf8(value.raw));
      text = "";
    } else {
      text += JSON.stringify(value);
    }
  }
  parts.push(`${text}}`);
  return concat(parts);
}

/** The text of a field that may be missing or of any type; null counts as missing. */
export function textOf(value: Value | undefined): string {
  return isBlank(value) ? "" : value.text;
}

/** Whether a field has no text: it is missing, null or an empty string. */
export function isBlank(value: Value | undefined): value is undefined {
  if (value === undefined) return true;
  const { kind } = value;
  return kind === "null" || (kind === "string" && value.end - value.start === emptyString.length);
}

/** JSON of a value that may hold other bytes, with these replaced. */
export function validUtf8(bytes: Buffer): Buffer {
  return isUtf8(bytes) ? bytes : Buffer.from(bytes.toString("utf8"));
}

/** One allocation of the right size, because there is one for each record. */
function concat(parts: readonly (string | Buffer)[]): Buffer {
  let length = 0;
  for (const part of parts) length += typeof part === "string" ? Buffer.byteLength(part) : part.length;
  const target = Buffer.allocUnsafe(length);
  let at = 0;
  for (const part of parts) {
    if (typeof part === "string") {
      at += target.write(part, at);
    } else {
      target.set(part, at);
      at += part.length;
    }
  }
  return target;
}
