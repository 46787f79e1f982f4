/** The content of a file to replay, whatever it is compressed with. */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { closeSync, createReadStream, fstat, open, read } from "node:fs";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { GzipFile } from "../../disk/gzip-file.ts";
import { Gunzip, isGzip } from "../../disk/gunzip.ts";
import { DfnError, errnoOf } from "../../errors.ts";

const chunkBytes = 1 << 20;
const newline = 0x0a;
/** How often the end of a plain file is checked while its last line is unfinished. */
const lookAgainMs = 100;
/** What zlib made of the piece with the damage is lost when it cannot be read again, as that of a pipe: small pieces. */
const pipePieceBytes = 512;
/** How much is kept of a program's messages. */
const maxMessageBytes = 4096;
/** Enough bytes to distinguish all kinds of compression. */
const magicBytes = 6;

/** A program of the system that decompresses; its memory is bounded. */
interface Unpacker {
  readonly program: string;
  readonly magic: Buffer;
  readonly args: readonly string[];
  readonly package: string;
}

const unpackers: readonly Unpacker[] = [
  {
    program: "xz",
    magic: Buffer.from("fd377a585a00", "hex"),
    args: ["--memlimit-decompress=256MiB"],
    package: "xz-utils",
  },
  { program: "bzip2", magic: Buffer.from("BZh"), args: [], package: "bzip2" },
  { program: "zstd", magic: Buffer.from("28b52ffd", "hex"), args: ["-q", "--memory=256MB"], package: "zstd" },
];

/** What cannot be read at all, by its first bytes. */
const others: readonly { readonly magic: Buffer; readonly what: string; readonly hint: string }[] = [
  { magic: Buffer.from("PK\u0003\u0004"), what: "a zip archive", hint: "unzip -p FILE" },
  { magic: Buffer.from("04224d18", "hex"), what: "compressed with lz4", hint: "lz4 -dc FILE" },
  { magic: Buffer.from("377abcaf271c", "hex"), what: "a 7z archive", hint: "7z x -so FILE" },
];

/** A file to read. */
export interface Input {
  /** `-` is standard input. */
  readonly path: string;
  /** Gives a descriptor that is read instead of opening the path. */
  readonly open?: (() => number) | undefined;
  /** The command of `wazuh-dfn` that reads it, for messages; default `replay`. */
  readonly command?: string;
}

/** The last line of a log that is still written: analysisd hands it to the system in pieces, the rest within a second. */
export interface LastLine {
  /** Asked when all that is there has been taken: whether more of the last line has to come. */
  readonly isUnfinished: () => boolean;
  /** How long it is waited for; milliseconds. */
  readonly withinMs: number;
}

type ReadAt = (into: Buffer, position: number) => Promise<number>;

/**
 * What a file holds, decompressed: plain, gzip, xz, bzip2 or zstd, recognised by its first bytes and not by its name. All that
 * can be read comes before anything is thrown. A chunk is valid until the next one is asked for. A plain file whose last
 * line is unfinished is read on for a moment, to the end of that line.
 * @param signal ends programs that decompress
 * @throws a system error, GzipFault, or DfnError DATA
 */
export async function* contentOf(input: Input, signal: AbortSignal, lastLine: LastLine): AsyncGenerator<Buffer> {
  if (input.path === "-") {
    // Else it would keep the process from ending.
    signal.addEventListener("abort", () => process.stdin.destroy(), { once: true });
    return yield* unpacked(process.stdin, signal, input);
  }
  const fd = input.open === undefined ? await promisify(open)(input.path, "r") : input.open();
  const found = await promisify(fstat)(fd);
  if (found.isDirectory()) {
    closeSync(fd);
    throw new DfnError("IO", `it is a directory; name the files in it, e.g. ${input.path.replace(/\/+$/, "")}/*.json*`);
  }
  const stream = createReadStream("", { fd, highWaterMark: chunkBytes });
  if (!found.isFile()) return yield* unpacked(stream, signal, input);
  try {
    const head = Buffer.alloc(2);
    const readAt: ReadAt = async (into, position) => {
      return (await promisify(read)(fd, into, 0, into.length, position)).bytesRead;
    };
    if ((await readAt(head, 0)) === 2 && isGzip(head)) return yield* gzipFile(new GzipFile(readAt));
    return yield* unpacked(piecesOf(readAt), signal, input, (position) =>
      restOfLine(readAt, position, signal, lastLine),
    );
  } finally {
    stream.destroy();
  }
}

/** What is appended to a plain file whose last line is unfinished, to the end of that line. */
async function* restOfLine(
  readAt: ReadAt,
  from: number,
  signal: AbortSignal,
  { isUnfinished, withinMs }: LastLine,
): AsyncGenerator<Buffer> {
  const startedMs = performance.now();
  for (let position = from; isUnfinished() && !signal.aborted;) {
    const piece = Buffer.allocUnsafe(chunkBytes);
    const found = piece.subarray(0, await readAt(piece, position));
    position += found.length;
    const end = found.indexOf(newline);
    if (found.length > 0) yield end < 0 ? found : found.subarray(0, end + 1);
    if (end >= 0 || performance.now() - startedMs >= withinMs) return;
    // SIGINT ends the wait.
    await sleep(lookAgainMs, undefined, { signal }).catch(() => undefined);
  }
}

async function* piecesOf(readAt: ReadAt): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    // Programs that decompress are written to from it, so each piece has memory of its own.
    const piece = Buffer.allocUnsafe(chunkBytes);
    const bytesRead = await readAt(piece, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

async function* gzipFile(file: GzipFile): AsyncGenerator<Buffer> {
  try {
    for (;;) {
      const found = await file.read();
      if (found.kind === "broken") throw found.reason;
      if (found.kind === "end") return;
      yield found.bytes;
    }
  } finally {
    file.close();
  }
}

/** @param more continues to read a plain file after what was there */
async function* unpacked(
  raw: AsyncIterable<Buffer>,
  signal: AbortSignal,
  { command = "replay" }: Input,
  more?: (position: number) => AsyncGenerator<Buffer>,
): AsyncGenerator<Buffer> {
  const chunks = raw[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  // A pipe may deliver the bytes that show the kind one by one.
  while (head.length < magicBytes) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  const begins = ({ magic }: { readonly magic: Buffer }): boolean => head.subarray(0, magic.length).equals(magic);
  const other = others.find(begins);
  if (other !== undefined)
    throw new DfnError(
      "DATA",
      `it is ${other.what}, which is not supported; use: ${other.hint} | wazuh-dfn ${command} -`,
    );
  const all = chain(head, chunks);
  const unpacker = unpackers.find(begins);
  if (isGzip(head)) yield* gzipPipe(all);
  else if (unpacker !== undefined) yield* byProgram(unpacker, all, signal);
  else {
    let position = 0;
    for await (const chunk of all) {
      position += chunk.length;
      yield chunk;
    }
    if (more !== undefined) yield* more(position);
  }
}

async function* gzipPipe(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = new Gunzip();
  let out: Buffer[] = [];
  try {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += pipePieceBytes) {
        let failure: unknown;
        await gunzip
          .push(chunk.subarray(at, at + pipePieceBytes), (bytes) => out.push(bytes))
          .catch((reason: unknown) => {
            failure = reason;
          });
        yield* out;
        out = [];
        if (failure !== undefined) throw failure;
      }
    }
    gunzip.end();
  } finally {
    gunzip.close();
  }
}

/**
 * Lets a program decompress. It gets only the content, through a pipe: no file name, no shell, no environment of ours, and
 * never root's rights.
 */
async function* byProgram(unpacker: Unpacker, raw: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  const { program } = unpacker;
  const nobody = 65_534;
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(program, ["-dc", ...unpacker.args], {
    stdio: ["pipe", "pipe", "pipe"],
    cwd: "/",
    env: { PATH: "/usr/bin:/bin:/usr/local/bin", LC_ALL: "C" },
    signal,
    killSignal: "SIGKILL",
    ...(process.geteuid?.() === 0 && { uid: nobody, gid: nobody }),
  });
  let message = Buffer.alloc(0);
  child.stderr.on("data", (bytes: Buffer) => {
    message = Buffer.concat([message, bytes]).subarray(0, maxMessageBytes);
  });
  const ended = new Promise<{ failure: unknown; code: number | null }>((resolve) => {
    child.on("error", (failure) => resolve({ failure, code: null }));
    child.on("close", (code) => resolve({ failure: undefined, code }));
  });
  let unread: unknown;
  const fed = pipeline(Readable.from(raw), child.stdin).catch((reason: unknown) => {
    // A program that gave up reports why itself; that the file cannot be read is for us to report.
    if (errnoOf(reason) !== "EPIPE" && errnoOf(reason) !== "ERR_STREAM_PREMATURE_CLOSE") unread = reason;
  });
  try {
    yield* child.stdout;
    const { failure, code } = await ended;
    await fed;
    if (errnoOf(failure) === "ENOENT") {
      const text = `it is compressed with ${program}, which is not installed: install ${unpacker.package}, or decompress the file elsewhere`;
      throw new DfnError("DATA", text, { cause: failure });
    }
    if (unread !== undefined) throw unread;
    if (failure !== undefined) throw failure;
    if (code !== 0)
      throw new DfnError("DATA", `${program} says: ${message.toString().trim() || `nothing, and ends with ${code}`}`);
  } finally {
    child.kill("SIGKILL");
  }
}

async function* chain(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
