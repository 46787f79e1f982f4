import type { FileHandle } from "node:fs/promises";
import { hash } from "node:crypto";
import { lookupKey, sourceDefinitions, type FoundValues, type Shipped } from "../../contract.ts";
import { headerNames } from "../../header-names.ts";

const readBytes = 1 << 20;
/** A longer line is not one of ours: an alert has at most a few megabytes. */
const maxLineBytes = 64 * 1024 * 1024;

/** What a look-up of a file finds. */
export interface FoundInFile {
  /** What is looked for; other topics are in the same file. */
  readonly topics: ReadonlySet<string>;
  readonly shipped: Shipped;
  /** Undefined if nobody asks how records are written. */
  readonly values: FoundValues | undefined;
}

/** Counts the records in pieces of a file of the file sink. A line that is not ours is passed over. */
export class RecordCounter {
  readonly #found: FoundInFile;
  #partial: Buffer[] = [];
  #partialBytes = 0;

  constructor(found: FoundInFile) {
    this.#found = found;
  }

  /** Takes the next piece. It may be used for something else afterwards. */
  push(piece: Buffer): void {
    let from = 0;
    for (let to = piece.indexOf(0x0a); to >= 0; to = piece.indexOf(0x0a, from)) {
      const line = Buffer.concat([...this.#partial, piece.subarray(from, to)]);
      this.#partial = [];
      const record = this.#partialBytes > maxLineBytes ? undefined : recordOfLine(line.toString());
      this.#partialBytes = 0;
      if (record !== undefined) this.#count(record);
      from = to + 1;
    }
    this.#partialBytes += piece.length - from;
    if (this.#partialBytes > maxLineBytes) this.#partial = [];
    else this.#partial.push(Buffer.from(piece.subarray(from)));
  }

  #count({ topic, headers, value }: LineRecord): void {
    if (!this.#found.topics.has(topic)) return;
    const { [headerNames.id]: id, [headerNames.handler]: handler, [headerNames.node]: node } = headers;
    if (id === undefined || handler === undefined) return;
    const { shipped, values } = this.#found;
    const key = lookupKey(node ?? "", id, handler, value === null ? null : Buffer.from(value));
    shipped.set(key, (shipped.get(key) ?? 0) + 1);
    if (values === undefined) return;
    const isFromSocket = headers[headerNames.source] === sourceDefinitions.socket.header;
    const others = values.get(key) ?? [];
    // Where in the file it is does not matter: offsets of one that was begun again are lower.
    const place = { isReplay: false, topic, partition: 0, offset: -1 };
    values.set(key, [...others, { valueHash: hash("sha256", value ?? "", "hex"), isFromSocket, ...place }]);
  }
}

/** Counts the records of a file from a line's start to an end. */
export async function countRecords(handle: FileHandle, start: number, end: number, found: FoundInFile): Promise<void> {
  const counter = new RecordCounter(found);
  const chunk = Buffer.alloc(readBytes);
  for (let at = start; at < end;) {
    const { bytesRead } = await handle.read(chunk, 0, Math.min(chunk.length, end - at), at);
    if (bytesRead === 0) return;
    at += bytesRead;
    counter.push(chunk.subarray(0, bytesRead));
  }
}

/** A record as a line of the file sink has it (`fileLine`). */
export interface LineRecord {
  readonly topic: string;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly value: string | null;
}

/** The record in a line of a file of the file sink; undefined for a line that has none. Headers that are not texts are left out. */
export function recordOfLine(line: string): LineRecord | undefined {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch {
    return undefined; // A foreign line in our file says nothing about our records.
  }
  if (!isObject(record) || !isObject(record["headers"])) return undefined;
  const { topic, key, value } = record;
  const headers: Record<string, string> = {};
  for (const [name, text] of Object.entries(record["headers"])) if (typeof text === "string") headers[name] = text;
  return {
    topic: typeof topic === "string" ? topic : "",
    key: typeof key === "string" ? key : null,
    headers,
    value: typeof value === "string" ? value : null,
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
