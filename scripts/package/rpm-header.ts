/** The tables of an RPM: tagged values (RPM's own documentation: format of RPM packages, version 4). */

export type Value =
  | { readonly kind: "int16" | "int32"; readonly values: readonly number[] }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "strings" | "i18n"; readonly values: readonly string[] }
  | { readonly kind: "bytes"; readonly value: Buffer };

export const int16 = (...values: number[]): Value => ({ kind: "int16", values });
export const int32 = (...values: number[]): Value => ({ kind: "int32", values });
export const string = (value: string): Value => ({ kind: "string", value });
export const strings = (...values: string[]): Value => ({ kind: "strings", values });
export const i18n = (value: string): Value => ({ kind: "i18n", values: [value] });
export const bytes = (value: Buffer): Value => ({ kind: "bytes", value });

const types = { int16: 3, int32: 4, string: 6, bytes: 7, strings: 8, i18n: 9 } as const;
const magic = Buffer.from([0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0]);
const entryBytes = 16;

/**
 * One table, its region included: an entry that says which part of the table a signature covers, here all of it.
 * @param regionTag 62 for the signatures, 63 for the package
 */
export function rpmHeader(regionTag: number, values: ReadonlyMap<number, Value>): Buffer {
  const entries: Buffer[] = [];
  const store: Buffer[] = [];
  let at = 0;
  const put = (content: Buffer): void => {
    store.push(content);
    at += content.length;
  };
  for (const [tag, value] of [...values].toSorted(([a], [b]) => a - b)) {
    const width = value.kind === "int16" ? 2 : value.kind === "int32" ? 4 : 1;
    put(Buffer.alloc((width - (at % width)) % width));
    entries.push(indexEntry(tag, types[value.kind], at, countOf(value)));
    put(encode(value));
  }
  const indexBytes = (entries.length + 1) * entryBytes;
  const region = indexEntry(regionTag, types.bytes, at, entryBytes);
  put(indexEntry(regionTag, types.bytes, -indexBytes, entryBytes));
  const sizes = Buffer.alloc(8);
  sizes.writeUInt32BE(entries.length + 1, 0);
  sizes.writeUInt32BE(at, 4);
  return Buffer.concat([magic, sizes, region, ...entries, ...store]);
}

function indexEntry(tag: number, type: number, offset: number, count: number): Buffer {
  const entry = Buffer.alloc(entryBytes);
  entry.writeUInt32BE(tag, 0);
  entry.writeUInt32BE(type, 4);
  entry.writeInt32BE(offset, 8);
  entry.writeUInt32BE(count, 12);
  return entry;
}

function countOf(value: Value): number {
  if (value.kind === "string") return 1;
  return value.kind === "bytes" ? value.value.length : value.values.length;
}

function encode(value: Value): Buffer {
  if (value.kind === "bytes") return value.value;
  if (value.kind === "string") return Buffer.from(`${value.value}\0`);
  if (value.kind === "int16" || value.kind === "int32") return numbers(value.values, value.kind === "int16" ? 2 : 4);
  return Buffer.from(value.values.map((text) => `${text}\0`).join(""));
}

function numbers(values: readonly number[], width: number): Buffer {
  const content = Buffer.alloc(values.length * width);
  values.forEach((number, index) => content.writeUIntBE(number, index * width, width));
  return content;
}
