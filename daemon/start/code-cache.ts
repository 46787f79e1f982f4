/**
 * V8's code cache of the program: what compiling `wazuh-dfn.cjs` came to, so that a start need not do it again. It is made
 * where the package is installed, by its own Node, and lies next to the program. A start never writes it.
 *
 * V8 runs what is in it, and compares no more of the source than its length. So it counts only for the very program that
 * it was made of, and only where whoever could have written it could have written the program as well.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { Script, constants as vmConstants } from "node:vm";
import { crc32 } from "node:zlib";

const magic = Buffer.from("wazuh-dfn code cache 1\n\0");
/** Behind the magic: length and CRC-32 of the program, length and CRC-32 of V8's data. */
const numbers = 4;
const headBytes = magic.length + numbers * 4;
/** The program has 2 MB, and the cache as much. */
const maxBytes = 64 * 1024 * 1024;

const head = "(function (exports, require, module, __filename, __dirname) { ";
const tail = "\n})";

/** What a CommonJS file is wrapped into. */
export type Wrapped = (
  exports: object,
  require: NodeJS.Require,
  module: { exports: object },
  filename: string,
  dirname: string,
) => void;

/** The program, as it lies on disk. */
export interface Program {
  readonly path: string;
  readonly source: Buffer;
  readonly stats: Stats;
}

/** @throws the system's error; Error when it is not a file of a believable size */
export function readProgram(path: string): Program {
  const file = openSync(path, constants.O_RDONLY);
  try {
    const stats = fstatSync(file);
    if (!isBelievable(stats)) throw new Error(`${path} is not a program of wazuh-dfn`);
    return { path, stats, source: readFileSync(file) };
  } finally {
    closeSync(file);
  }
}

/** Where the cache of a program is. */
export function codeCachePath(program: string): string {
  return program.replace(/\.cjs$/, ".cache");
}

/**
 * Compiles the program, with the help of V8's data if there are some that are its own. V8 does without those of another
 * version of V8, or made with other flags.
 */
export function compile({ path, source }: Program, data?: Buffer): Script {
  const text = source.toString("latin1"); // esbuild writes ASCII.
  return new Script(head + text + tail, {
    filename: path,
    columnOffset: -head.length,
    importModuleDynamically: vmConstants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(data === undefined ? {} : { cachedData: data }),
  });
}

/** The file that holds V8's data of a program. */
export function encodeCodeCache({ source }: Program, data: Buffer): Buffer {
  const fields = Buffer.alloc(numbers * 4);
  [source.length, crc32(source), data.length, crc32(data)].forEach((field, index) =>
    fields.writeUInt32LE(field, index * 4),
  );
  return Buffer.concat([magic, fields, data]);
}

/** V8's data of a program. Undefined: there are none, they are damaged, or those of another program. */
export function decodeCodeCache({ source }: Program, file: Buffer): Buffer | undefined {
  if (file.length < headBytes || !file.subarray(0, magic.length).equals(magic)) return undefined;
  const field = (index: number): number => file.readUInt32LE(magic.length + index * 4);
  const data = file.subarray(headBytes);
  if (field(0) !== source.length || field(2) !== data.length) return undefined;
  return field(1) === crc32(source) && field(3) === crc32(data) ? data : undefined;
}

/**
 * Reads the cache of a program. Undefined: as for `decodeCodeCache`, it cannot be read, or somebody may have written it
 * who could not have written the program.
 */
export function readCodeCache(program: Program): Buffer | undefined {
  try {
    const file = openSync(
      codeCachePath(program.path),
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY,
    );
    try {
      const stats = fstatSync(file);
      if (!isBelievable(stats) || stats.uid !== program.stats.uid || (stats.mode & 0o022) !== 0) return undefined;
      return decodeCodeCache(program, readFileSync(file));
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined; // Without it the start takes longer, and nothing else changes.
  }
}

function isBelievable(stats: Stats): boolean {
  return stats.isFile() && stats.size <= maxBytes;
}
