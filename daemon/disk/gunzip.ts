/**
 * The one reader of gzip (RFC 1952), for the tail and for replay. Members are separated here and only their deflate
 * streams are given to zlib: Node's own gunzip never calls back when something follows the last member, and drops what
 * it has decompressed when something is wrong in the same piece of input.
 */
import { crc32, createInflateRaw, type InflateRaw } from "node:zlib";

/** Compressed bytes fed at once: deflate makes at most 1,032 bytes of one, so at most 17 MB come out at a time. */
export const gzipFeedBytes = 16 * 1024;
const outputBytes = 256 * 1024;
const headerBytes = 10;
const trailerBytes = 8;
const flag = { headerCrc: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 } as const;

/** Whether bytes begin like gzip. */
export function isGzip(head: Buffer): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** What is wrong with a gzip file. */
export class GzipFault extends Error {
  /** cut: it ends in the middle of a member, so that it may be whole later. damaged: it is not what was compressed. */
  readonly kind: "cut" | "damaged";
  /** Whether zlib kept back what it had made of the last piece before it found the damage. */
  readonly isHeldBack: boolean;

  constructor(kind: "cut" | "damaged", message: string, isHeldBack = false) {
    super(message);
    this.kind = kind;
    this.isHeldBack = isHeldBack;
  }
}

/**
 * Where the decoder is in its input.
 * - start: at the first byte of a member, or of what follows the last one.
 * - zeros: behind the last member, in padding; a member may still follow.
 * - ignored: behind the last member, in bytes that are not gzip; they are skipped to the end, as gzip(1) does.
 */
type Phase = "start" | "header" | "extra" | "text" | "deflated" | "trailer" | "zeros" | "ignored";

/** Decodes pieces of a gzip stream in order. Memory is bounded by the size of a piece. */
export class Gunzip {
  #phase: Phase = "start";
  /** The part of a header or trailer that has arrived. */
  #held: Buffer = Buffer.alloc(0);
  /** Bytes of an extra field, and texts and sums of a header, that are still to come. */
  #extraLeft = 0;
  #textsLeft = 0;
  #flags = 0;
  #inflate: Inflate | undefined;
  #crc = 0;
  #memberBytes = 0;
  #members = 0;
  #ignoredBytes = 0;

  /** Bytes behind the last member that are neither gzip nor padding of zeros, and were skipped. */
  get ignoredBytes(): number {
    return this.#ignoredBytes;
  }

  /** Whether decoding is at the first byte of a member: from here it can begin again. */
  get isBetweenMembers(): boolean {
    return this.#phase === "start" && this.#held.length === 0;
  }

  /**
   * Decodes a piece, and hands on what comes out before it throws.
   * @throws GzipFault damaged
   */
  async push(piece: Buffer, out: (bytes: Buffer) => void): Promise<void> {
    let rest = piece;
    while (rest.length > 0) rest = rest.subarray(await this.#step(rest, out));
  }

  /** The input is over. @throws GzipFault cut when a member is not, and when there was none */
  end(): void {
    const isWhole = this.#phase === "zeros" || this.#phase === "ignored";
    // A single byte behind the last member is not gzip either.
    if (isWhole || (this.#phase === "start" && this.#members > 0)) {
      this.#ignoredBytes += this.#held.length;
      this.#held = Buffer.alloc(0);
      return;
    }
    throw new GzipFault("cut", "it ends in the middle of the compressed data");
  }

  close(): void {
    this.#inflate?.close();
  }

  /** Takes some of the input, and says how much. */
  async #step(input: Buffer, out: (bytes: Buffer) => void): Promise<number> {
    switch (this.#phase) {
      case "start":
        return this.#start(input);
      case "zeros":
        return this.#zeros(input);
      case "ignored":
        this.#ignoredBytes += input.length;
        return input.length;
      case "header":
        return this.#hold(input, headerBytes, (header) => this.#header(header));
      case "extra":
      case "text":
        return this.#fields(input);
      case "deflated":
        return this.#deflated(input, out);
      case "trailer":
        return this.#hold(input, trailerBytes, (trailer) => this.#trailer(trailer));
      default:
        return this.#phase satisfies never;
    }
  }

  /** Collects bytes until there are enough of them. */
  #hold(input: Buffer, wanted: number, take: (bytes: Buffer) => void): number {
    const taken = input.subarray(0, wanted - this.#held.length);
    this.#held = Buffer.concat([this.#held, taken]);
    if (this.#held.length === wanted) {
      const bytes = this.#held;
      this.#held = Buffer.alloc(0);
      take(bytes);
    }
    return taken.length;
  }

  #start(input: Buffer): number {
    if (this.#members > 0 && this.#held.length === 0 && input[0] === 0) {
      this.#phase = "zeros";
      return 0;
    }
    return this.#hold(input, 2, (magic) => {
      if (isGzip(magic)) {
        this.#held = magic;
        this.#phase = "header";
      } else if (this.#members > 0) {
        this.#ignoredBytes += magic.length;
        this.#phase = "ignored";
      } else {
        throw new GzipFault("damaged", "it does not start like gzip");
      }
    });
  }

  #zeros(input: Buffer): number {
    const end = input.findIndex((byte) => byte !== 0);
    if (end < 0) return input.length;
    this.#phase = "start";
    return end;
  }

  #header(header: Buffer): void {
    const [, , method, flags = 0] = header;
    if (method !== 8) throw new GzipFault("damaged", `a member has the unknown method ${method}`);
    if ((flags & flag.reserved) !== 0) throw new GzipFault("damaged", "the header of a member has unknown flags");
    this.#flags = flags;
    this.#extraLeft = (flags & flag.extra) === 0 ? 0 : -1;
    this.#textsLeft = Number((flags & flag.name) !== 0) + Number((flags & flag.comment) !== 0);
    this.#phase = this.#extraLeft === 0 ? "text" : "extra";
    this.#crc = this.#memberBytes = 0;
  }

  /** The optional fields of a header: none of them is of interest, and none is kept. */
  #fields(input: Buffer): number {
    if (this.#phase === "extra") {
      if (this.#extraLeft < 0) return this.#hold(input, 2, (length) => this.#skipExtra(length.readUInt16LE()));
      const taken = Math.min(this.#extraLeft, input.length);
      this.#skipExtra(this.#extraLeft - taken);
      return taken;
    }
    if (this.#textsLeft > 0) {
      const end = input.indexOf(0);
      if (end < 0) return input.length;
      this.#textsLeft -= 1;
      return end + 1;
    }
    if ((this.#flags & flag.headerCrc) !== 0) return this.#hold(input, 2, () => this.#beginData());
    this.#beginData();
    return 0;
  }

  #skipExtra(left: number): void {
    this.#extraLeft = left;
    if (left === 0) this.#phase = "text";
  }

  #beginData(): void {
    this.#flags = 0;
    this.#inflate = new Inflate();
    this.#phase = "deflated";
  }

  async #deflated(input: Buffer, out: (bytes: Buffer) => void): Promise<number> {
    const inflate = this.#inflate;
    if (inflate === undefined) throw new Error("there is no deflate stream");
    const taken = await inflate.push(input, (bytes) => {
      this.#crc = crc32(bytes, this.#crc);
      this.#memberBytes += bytes.length;
      out(bytes);
    });
    if (inflate.isOver) {
      inflate.close();
      this.#inflate = undefined;
      this.#phase = "trailer";
    }
    return taken;
  }

  #trailer(trailer: Buffer): void {
    this.#members += 1;
    const isRight = trailer.readUInt32LE(0) === this.#crc && trailer.readUInt32LE(4) === this.#memberBytes % 2 ** 32;
    if (!isRight) {
      throw new GzipFault("damaged", "the checksum of a member is wrong: some bytes before this place were changed");
    }
    this.#phase = "start";
  }
}

/** One deflate stream. Each push ends, whatever zlib answers with: the end, an error, or a call back. */
class Inflate {
  readonly #stream: InflateRaw = createInflateRaw({ chunkSize: outputBytes });
  #out: (bytes: Buffer) => void = () => undefined;
  #wake: () => void = () => undefined;
  #failure: Error | undefined;
  isOver = false;

  constructor() {
    this.#stream.on("data", (bytes: Buffer) => this.#out(bytes));
    this.#stream.on("end", () => {
      this.isOver = true;
      this.#wake();
    });
    this.#stream.on("error", (reason: Error) => {
      this.#failure = reason;
      this.#wake();
    });
    this.#stream.on("close", () => this.#wake());
  }

  /** @returns bytes of the input that belong to the stream; all, unless it is over */
  async push(input: Buffer, out: (bytes: Buffer) => void): Promise<number> {
    this.#out = out;
    const before = this.#stream.bytesWritten;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#stream.write(input, () => resolve());
    });
    if (this.#failure !== undefined) throw new GzipFault("damaged", this.#failure.message, true);
    return this.#stream.bytesWritten - before;
  }

  close(): void {
    this.#stream.destroy();
  }
}
