/** How the doctor reads: as root below directories that others own, so each look has a bound and waits for nobody. */
import { lstat } from "node:fs/promises";
import { behindOwnLink, openForReading } from "../disk/open-file.ts";
import { readRegularFile } from "../disk/read-file.ts";

/**
 * The text of a whole file, byte by byte. Only a link that root or this user made is followed.
 * @throws DfnError IO when it is not a regular file or is larger than `maxBytes`; else the system's error
 */
export async function wholeText(path: string, maxBytes: number): Promise<string> {
  const content = await readRegularFile(await behindOwnLink(path), { maxBytes, links: "refuse" });
  return content.toString("latin1");
}

/** The first bytes of a file as text, byte by byte; all of it when it is shorter. @throws as `wholeText` */
export async function startOfText(path: string, bytes: number): Promise<string> {
  await using file = await openForReading(await behindOwnLink(path));
  const buffer = Buffer.alloc(bytes);
  let length = 0;
  for (let read = 1; read > 0 && length < bytes; length += read) {
    ({ bytesRead: read } = await file.read(buffer, length, bytes - length, null));
  }
  return buffer.toString("latin1", 0, length);
}

/** What is at a path, behind no link but one that root or this user made. @throws what the system says */
export async function statOwn(path: string): ReturnType<typeof lstat> {
  return lstat(await behindOwnLink(path));
}
