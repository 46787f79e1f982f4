/** The two files that integratord writes for a call: the alert and, if the block has `<options>`, the options. */
import { closeSync, openSync, readSync } from "node:fs";

/** A file that cannot be used; the message says which and why, in one line. */
export class BadFile extends Error {}

/** As long as the longest line that the forwarder takes by default. */
const maxAlertBytes = 16 * 1024 * 1024;
/** integratord's own limit for the content of a tag is 20,480 (Wazuh 4.14 source: os_xml/os_xml_internal.h:23). */
const maxOptionsBytes = 64 * 1024;
const chunkBytes = 64 * 1024;

/**
 * The alert as one line, newline included; its bytes are otherwise unchanged.
 * @throws BadFile when the file is unreadable, empty, too large, or holds no JSON object
 */
export function readAlertLine(path: string): Buffer {
  const bytes = readFile(path, maxAlertBytes);
  const text = bytes.toString("utf8");
  if (text.trim() === "") throw new BadFile(`${path} is empty`);
  if (!isObject(parse(text)))
    throw new BadFile(`${path} does not hold a JSON object: it is not an alert, or it was cut off`);
  // Valid JSON has newlines only between its tokens, where a space means the same.
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) bytes[at] = 0x20;
  return Buffer.concat([bytes, Buffer.from("\n")]);
}

/** What `<options>` may say. */
export interface Options {
  /** false: the forwarder's tail is off, so custom-dfn waits until the alert is delivered. */
  readonly tail?: boolean;
}

/**
 * An empty file means no options: integratord writes one when the disk is full.
 * @throws BadFile when it holds anything but `{"tail": true}` or `{"tail": false}`
 */
export function readOptions(path: string): Options {
  const text = readFile(path, maxOptionsBytes).toString("utf8").trim();
  if (text === "") return {};
  const options = parse(text);
  if (isObject(options) && Object.keys(options).every((key) => key === "tail")) {
    const tail = "tail" in options ? options.tail : undefined;
    if (tail === undefined) return {};
    if (typeof tail === "boolean") return { tail };
  }
  throw new BadFile(`<options> of the custom-dfn block must be {"tail": false} or left out, not: ${oneLine(text)}`);
}

/** The beginning of any text, as part of a message: nothing in it ends the line or steers a terminal. */
function oneLine(text: string): string {
  return text.slice(0, 100).replaceAll(/[^\x20-\x7e]+/g, " ");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON: reported by the caller, who knows what it should be
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readFile(path: string, limitBytes: number): Buffer {
  try {
    const fd = openSync(path, "r");
    try {
      return readAll(fd, path, limitBytes);
    } finally {
      closeSync(fd);
    }
  } catch (reason) {
    if (reason instanceof BadFile) throw reason;
    throw new BadFile(`cannot read ${path}: ${reason instanceof Error ? reason.message : String(reason)}`);
  }
}

function readAll(fd: number, path: string, limitBytes: number): Buffer {
  const chunks: Buffer[] = [];
  for (let total = 0; ;) {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    const count = readSync(fd, chunk);
    if (count === 0) return Buffer.concat(chunks, total);
    chunks.push(chunk.subarray(0, count));
    total += count;
    if (total > limitBytes) throw new BadFile(`${path} is longer than ${limitBytes} bytes`);
  }
}
