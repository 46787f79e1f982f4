import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { DfnError, errnoOf } from "../../../errors.ts";
import { OutputFull } from "./block-output.ts";
import { decodeLz4 } from "./lz4.ts";
import { decodeSnappy } from "./snappy.ts";

/** Codecs that a batch may be sent with. */
export type Compression = "none" | "gzip" | "zstd";

/** Codec numbers, the lowest three bits of a batch's attributes. */
export const codecNumbers = { none: 0, gzip: 1, zstd: 4 } as const satisfies Record<Compression, number>;

/** What other producers use, and brokers that compress again (`compression.type` of the topic): read, never written. */
const othersDecoders: ReadonlyMap<number, (bytes: Buffer, maxBytes: number) => Buffer> = new Map([
  [2, decodeSnappy],
  [3, decodeLz4],
]);

type Transform = (bytes: Buffer, options: object) => Promise<Buffer>;

type Codec = (bytes: Buffer, options: object, done: (error: Error | null, out: Buffer) => void) => void;

/** zstd is built into Node since 22.15; this code runs on 20, whose types do not know it. */
const zstdCompress: Codec | undefined = Reflect.get(zlib, "zstdCompress");
const zstdCompressSync: ((bytes: Buffer, options: object) => Buffer) | undefined = Reflect.get(
  zlib,
  "zstdCompressSync",
);
const zstdDecompress: Codec | undefined = Reflect.get(zlib, "zstdDecompress");
const zstdLevelParameter: number = Reflect.get(zlib.constants, "ZSTD_c_compressionLevel") ?? 0;

const gzip: Transform = promisify(zlib.gzip);
const gunzip: Transform = promisify(zlib.gunzip);

/** Output comes in pieces of this size, each a round trip to the thread pool; the default of 16 KiB makes ten times as many. */
const chunkBytes = 128 * 1024;

/**
 * Checks that this runtime can compress so.
 * @throws DfnError CONFIG if it cannot
 */
export function assertAvailable(compression: Compression): void {
  if (compression === "zstd" && zstdCompress === undefined) {
    throw new DfnError(
      "CONFIG",
      `sink.kafka.compression: zstd needs Node 22.15 or newer, this is ${process.version}; use gzip, or a newer Node`,
    );
  }
}

/**
 * Below this many bytes a batch is compressed on the main thread, in 0.2 ms: the way through the thread pool from rest costs
 * twice as much processor time, and batches are small when little comes.
 */
const smallPlainBytes = 16 * 1024;

/** Compresses at level 1: the levels above cost more time than they save bytes. What is not small, off the main thread. */
export async function compress(compression: "gzip" | "zstd", bytes: Buffer): Promise<Buffer> {
  const isSmall = bytes.length < smallPlainBytes;
  if (compression === "gzip" && isSmall) return zlib.gzipSync(bytes, { level: 1 });
  if (compression === "zstd" && isSmall && zstdCompressSync !== undefined) {
    return zstdCompressSync(bytes, { params: { [zstdLevelParameter]: 1 } });
  }
  if (compression === "gzip") return gzip(bytes, { level: 1, chunkSize: chunkBytes });
  if (zstdCompress === undefined) throw new MissingCodec("this runtime has no zstd");
  return promisify(zstdCompress)(bytes, { params: { [zstdLevelParameter]: 1 }, chunkSize: chunkBytes });
}

/**
 * Up to this many compressed bytes, a batch is decompressed on the main thread, in less than 0.2 ms: the way through the
 * thread pool takes longer than that, and a topic that hundreds of nodes share is full of batches of one record (read back:
 * 36,000 of them a second, 4,000 by the pool).
 */
const smallBytes = 4096;

/** Thrown for a codec that this runtime does not have. */
export class MissingCodec extends Error {
  override readonly name = "MissingCodec";
}

/**
 * Decompresses what a topic holds.
 * @param codec     the codec's number
 * @param maxBytes what it may come to
 * @returns undefined if it is more
 * @throws MissingCodec for zstd if the runtime lacks it; RangeError for what is damaged
 */
export async function decompress(codec: number, bytes: Buffer, maxBytes: number): Promise<Buffer | undefined> {
  if (codec === codecNumbers.none) return bytes.length > maxBytes ? undefined : bytes;
  const options = { maxOutputLength: maxBytes, chunkSize: chunkBytes };
  try {
    if (codec === codecNumbers.gzip && bytes.length <= smallBytes) {
      return zlib.gunzipSync(bytes, { maxOutputLength: maxBytes });
    }
    if (codec === codecNumbers.gzip) return await gunzip(bytes, options);
    if (codec === codecNumbers.zstd && zstdDecompress !== undefined) {
      return await promisify(zstdDecompress)(bytes, options);
    }
    const decode = othersDecoders.get(codec);
    if (decode !== undefined) return decode(bytes, maxBytes);
  } catch (cause) {
    if (cause instanceof OutputFull || errnoOf(cause) === "ERR_BUFFER_TOO_LARGE") return undefined;
    throw new RangeError("a batch does not decompress", { cause });
  }
  const name = codec === codecNumbers.zstd ? "zstd" : `codec ${codec}`;
  throw new MissingCodec(`a batch is compressed with ${name}, which Node ${process.version} cannot read`);
}
