import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { describe, DfnError } from "../errors.ts";
import type { Place } from "../delivery/contract.ts";
import { Splitter, type Piece } from "./tail/splitter.ts";

/** What a replay hands its lines to. */
export interface ReplayIntake {
  next(bytes: Buffer, from: number, end: number): number;
  ignored(lines: number): void;
  /** One relevant line; the bytes are the intake's. */
  deliver(bytes: Buffer, place: Place): void;
  overLong(head: Buffer, place: Place): void;
  room(): Promise<void> | undefined;
}

export interface ReplayProgress {
  /** Bytes read so far, decompressed. */
  bytes: number;
}

const chunkBytes = 1 << 20;
/** Compressed bytes fed at once: deflate makes at most 1,032 bytes of one. */
const feedBytes = 16 * 1024;

/**
 * Reads the alerts of one file: plain, gzip (told by its first bytes, not its name), or `-` for standard input. The last
 * line needs no newline.
 *
 * @param open gives a descriptor that is read instead of opening the path
 * @throws DfnError IO when the file cannot be read, DATA when its compression is damaged; what came before is delivered
 */
export async function replayFile(
  path: string,
  maxLineBytes: number,
  intake: ReplayIntake,
  progress: ReplayProgress,
  open?: () => number,
): Promise<void> {
  const splitter = new Splitter(intake, maxLineBytes);
  const name = path === "-" ? "standard input" : path;
  const take = async (piece: Piece): Promise<void> => {
    await intake.room();
    const place = { file: name, offset: piece.offset, length: piece.length };
    if (piece.kind === "over-long") intake.overLong(Buffer.from(piece.bytes), place);
    else intake.deliver(Buffer.from(piece.bytes), place);
  };
  for await (const chunk of chunksOf(path, name, open)) {
    progress.bytes += chunk.length;
    for (const piece of splitter.push(chunk)) await take(piece);
  }
  // A newline ends the last line, so that it is judged like any other.
  if (splitter.rest().length > 0) for (const piece of splitter.push(Buffer.from("\n"))) await take(piece);
}

async function* chunksOf(path: string, name: string, open: (() => number) | undefined): AsyncGenerator<Buffer> {
  try {
    const from = open === undefined ? {} : { fd: open() };
    const raw: AsyncIterable<Buffer> =
      path === "-" ? process.stdin : createReadStream(path, { ...from, highWaterMark: chunkBytes });
    const chunks = raw[Symbol.asyncIterator]();
    let head: Buffer = Buffer.alloc(0);
    // A pipe may bring the two bytes that tell gzip apart one by one.
    while (head.length < 2) {
      const next = await chunks.next();
      if (next.done === true) break;
      head = Buffer.concat([head, next.value]);
    }
    const all = chain(head, chunks);
    yield* head[0] === 0x1f && head[1] === 0x8b ? inflated(all) : all;
  } catch (reason) {
    if (reason instanceof DfnError) throw reason;
    const isRead = reason instanceof Error && "syscall" in reason;
    const code = isRead ? "IO" : "DATA";
    throw new DfnError(code, `cannot read ${name}: ${describe(reason)}`, { cause: reason });
  }
}

/**
 * What a gzip stream holds, several members too. Fed bit by bit and emptied in between, so memory stays bounded and all
 * that could be decompressed before a fault comes out before the fault is thrown.
 */
async function* inflated(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const decoder = createGunzip({ chunkSize: chunkBytes });
  const out: Buffer[] = [];
  let failure: unknown;
  let wake: (() => void) | undefined;
  decoder.on("data", (bytes: Buffer) => out.push(bytes));
  decoder.on("end", () => wake?.());
  decoder.on("error", (reason) => {
    failure = reason;
    wake?.();
  });
  const feed = async (bytes: Buffer | undefined): Promise<Buffer[]> => {
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (bytes === undefined) decoder.end();
      else decoder.write(bytes, () => resolve());
    });
    return out.splice(0);
  };
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += feedBytes) {
      yield* await feed(chunk.subarray(at, at + feedBytes));
      if (failure !== undefined) throw failure;
    }
  }
  yield* await feed(undefined);
  if (failure !== undefined) throw failure;
}

async function* chain(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
