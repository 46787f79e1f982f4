import { isUtf8 } from "node:buffer";
import type { Value } from "../alert/json.ts";

/** A member of a record's value: bytes of the alert that pass through as they are, or anything that JSON can write. */
export type Field = readonly [name: string, value: Value | string | number | boolean | null];

/**
 * A JSON object of these members, in their order. A `Value` goes in as it was written: numbers of any size, duplicate
 * keys and escapes stay. The result is valid UTF-8, as JSON demands: a value that is not has its bad bytes replaced.
 */
export function jsonObject(fields: readonly Field[]): Buffer {
  const parts: Buffer[] = [];
  let text = "{";
  for (const [name, value] of fields) {
    if (text !== "{") text += ",";
    text += `${JSON.stringify(name)}:`;
    if (typeof value === "object" && value !== null) {
      parts.push(Buffer.from(text), valid(value.raw));
      text = "";
    } else {
      text += JSON.stringify(value);
    }
  }
  parts.push(Buffer.from(`${text}}`));
  return Buffer.concat(parts);
}

/** The text of a field that may be missing or of any type; null counts as missing. */
export function textOf(value: Value | undefined): string {
  return value === undefined || value.kind === "null" ? "" : value.text;
}

function valid(bytes: Buffer): Buffer {
  return isUtf8(bytes) ? bytes : Buffer.from(bytes.toString("utf8"));
}
