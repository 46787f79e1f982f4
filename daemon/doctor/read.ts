/** How the doctor reads: as root below directories that others own, so each read is bounded and never blocks. */
import { lstat } from "node:fs/promises";
import { behindOwnLink, openForReading } from "../disk/open-file.ts";
import { readRegularFile } from "../disk/read-file.ts";

/**
 * The text of a whole file, as latin1. Only links created by root or the current user are followed.
 * @throws DfnError IO if it is not a regular file or is larger than `maxBytes`; else the system's error
 */
export async function wholeText(path: string, maxBytes: number): Promise<string> {
  const content = await readRegularFile(await behindOwnLink(path), { maxBytes, links: "refuse" });
  return content.toString("latin1");
}

/** The first bytes of a file as text, as latin1; all of it if it is shorter. @throws as `wholeText` */
export async function startOfText(path: string, bytes: number): Promise<string> {
  await using file = await openForReading(await behindOwnLink(path));
  const buffer = Buffer.alloc(bytes);
  let length = 0;
  for (let read = 1; read > 0 && length < bytes; length += read) {
    ({ bytesRead: read } = await file.read(buffer, length, bytes - length, null));
  }
  return buffer.toString("latin1", 0, length);
}

/** What is at a path; only links created by root or the current user are followed. @throws the system's error */
export async function statOwn(path: string): ReturnType<typeof lstat> {
  return lstat(await behindOwnLink(path));
}
