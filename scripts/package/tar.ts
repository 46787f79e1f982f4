import { directoriesOf, sorted, type Entry } from "./entry.ts";
import type { Pieces } from "./gzip.ts";

const blockBytes = 512;

/**
 * A tar archive (POSIX ustar), all of it root's, directories 0755.
 * @param prefix in front of every path, for instance `./`; with its own entry when it ends in a slash
 */
export function tar(entries: readonly Entry[], prefix: string, epochS: number): Pieces {
  const nothing = Buffer.alloc(0);
  const directories = directoriesOf(entries).map((path) => ({
    path,
    mode: 0o755,
    content: nothing,
    isDirectory: true,
  }));
  const all = sorted([...directories, ...entries.map((entry) => ({ ...entry, isDirectory: false }))]);
  const pieces = [header({ path: prefix, mode: 0o755, content: nothing }, true, epochS)];
  for (const { isDirectory, ...entry } of all) {
    const path = `${prefix}${entry.path}${isDirectory ? "/" : ""}`;
    pieces.push(header({ ...entry, path }, isDirectory, epochS), entry.content, padding(entry.content.length));
  }
  pieces.push(Buffer.alloc(2 * blockBytes));
  return pieces;
}

/** @throws Error when the path is too long for ustar */
function header({ path, mode, content }: Entry, isDirectory: boolean, epochS: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  const [prefix, name] = split(path);
  const number = (value: number, at: number, width: number): void => {
    block.write(`${value.toString(8).padStart(width - 1, "0")}\0`, at, "latin1");
  };
  block.write(name, 0, "latin1");
  number(mode, 100, 8);
  number(0, 108, 8);
  number(0, 116, 8);
  number(content.length, 124, 12);
  number(epochS, 136, 12);
  block.fill(" ", 148, 156); // the checksum counts itself as blanks
  block.write(isDirectory ? "5" : "0", 156, "latin1");
  block.write("ustar\0", 257, "latin1");
  block.write("00", 263, "latin1");
  block.write("root", 265, "latin1");
  block.write("root", 297, "latin1");
  number(0, 329, 8);
  number(0, 337, 8);
  block.write(prefix, 345, "latin1");
  const checksum = block.reduce((sum, byte) => sum + byte, 0);
  block.write(`${checksum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** Prefix and name: a path is split at a slash when it is longer than a name may be. */
function split(path: string): [prefix: string, name: string] {
  if (path.length <= 100) return ["", path];
  const at = path.indexOf("/", path.length - 101);
  if (at <= 0 || at > 155) throw new Error(`${path} is too long for a tar archive`);
  return [path.slice(0, at), path.slice(at + 1)];
}

function padding(length: number): Buffer {
  return Buffer.alloc((blockBytes - (length % blockBytes)) % blockBytes);
}
