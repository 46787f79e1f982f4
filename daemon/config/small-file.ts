import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { isUtf8 } from "node:buffer";
import { describe, DfnError, errnoOf } from "../errors.ts";

/** Largest configuration or secret file that is read, in bytes; real ones have a few thousand. */
const mostFileBytes = 1024 * 1024;

/**
 * The text of a small file; a byte order mark is left out. A pipe (`/dev/stdin`) is read to its end.
 * @param what   the file's part in the sentence of an error: `the configuration`
 * @param remedy what to do when it is not there
 * @throws DfnError CONFIG when it is absent, unreadable, larger than 1 MiB or not UTF-8
 */
export function readSmallText(path: string, what: string, remedy: string): string {
  const bytes = readBounded(path, what, remedy);
  if (bytes.length > mostFileBytes) {
    throw new DfnError("CONFIG", `${path}: ${what} is larger than 1 MiB; is this the right file?`);
  }
  if (!isUtf8(bytes)) throw new DfnError("CONFIG", `${path}: ${what} is not UTF-8 text; save it as UTF-8`);
  return bytes.toString("utf8").replace(/^\uFEFF/, "");
}

function readBounded(path: string, what: string, remedy: string): Buffer {
  const chunks: Buffer[] = [];
  let fd: number | undefined;
  try {
    fd = openText(path);
    for (let total = 0; total <= mostFileBytes;) {
      const chunk = Buffer.allocUnsafe(65_536);
      const count = readSync(fd, chunk, 0, chunk.length, null);
      if (count === 0) break;
      chunks.push(chunk.subarray(0, count));
      total += count;
    }
  } catch (error) {
    throw new DfnError("CONFIG", `${path}: ${what} ${unreadableConfig(error, remedy)}`, { cause: error });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
  return Buffer.concat(chunks);
}

/** A pipe is read where it is open already; any other would keep us waiting for whoever writes to it. */
function openText(path: string): number {
  if (/^\/(?:dev\/(?:stdin|fd\/\d+)|proc\/self\/fd\/\d+)$/.test(path)) return openSync(path, "r");
  const { O_NOCTTY, O_NONBLOCK, O_RDONLY } = constants;
  const fd = openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  const stats = fstatSync(fd);
  if (stats.isFile() || stats.isDirectory()) return fd; // Of a directory the system says so.
  closeSync(fd);
  throw new Error("it is a pipe or a device");
}

/** What keeps a file from being read, behind its name in a sentence. */
export function unreadableConfig(error: unknown, remedy: string): string {
  const reason: string = errnoOf(error) ?? "";
  switch (reason) {
    case "ENOENT":
      return `does not exist; ${remedy}`;
    case "EACCES":
      return `may not be read by this user (uid ${process.getuid?.() ?? "unknown"}); change its owner, group or mode`;
    case "EISDIR":
      return "is a directory; name the file in it";
    default:
      return `cannot be read: ${describe(error)}`;
  }
}
