import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
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

/**
 * Reads the alerts of one file: plain, gzip (told by its first bytes, not its name), or `-` for standard input. The last
 * line needs no newline.
 *
 * @throws DfnError IO when the file cannot be read, DATA when its compression is damaged; what came before is delivered
 */
export async function replayFile(
  path: string,
  maxLineBytes: number,
  intake: ReplayIntake,
  progress: ReplayProgress,
): Promise<void> {
  const splitter = new Splitter(intake, maxLineBytes);
  const name = path === "-" ? "standard input" : path;
  const take = async (piece: Piece): Promise<void> => {
    await intake.room();
    const place = { file: name, offset: piece.offset, length: piece.length };
    if (piece.kind === "over-long") intake.overLong(Buffer.from(piece.bytes), place);
    else intake.deliver(Buffer.from(piece.bytes), place);
  };
  for await (const chunk of chunksOf(path, name)) {
    progress.bytes += chunk.length;
    for (const piece of splitter.push(chunk)) await take(piece);
  }
  // A newline ends the last line, so that it is judged like any other.
  if (splitter.rest().length > 0) for (const piece of splitter.push(Buffer.from("\n"))) await take(piece);
}

async function* chunksOf(path: string, name: string): AsyncGenerator<Buffer> {
  const raw = path === "-" ? process.stdin : createReadStream(path, { highWaterMark: chunkBytes });
  try {
    const chunks = raw[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const first = await chunks.next();
    if (first.done === true) return;
    const rest = chain(first.value, chunks);
    if (first.value[0] !== 0x1f || first.value[1] !== 0x8b) {
      yield* rest;
      return;
    }
    const gunzip = createGunzip({ chunkSize: chunkBytes });
    pipeline(rest, gunzip, () => undefined); // What goes wrong comes out of gunzip below.
    const inflated = gunzip[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    for (let next = await inflated.next(); next.done !== true; next = await inflated.next()) yield next.value;
  } catch (reason) {
    const isRead = reason instanceof Error && "syscall" in reason;
    const code = isRead ? "IO" : "DATA";
    throw new DfnError(code, `cannot read ${name}: ${describe(reason)}`, { cause: reason });
  }
}

async function* chain(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
