import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";

/** Pieces of an archive; put one behind the other they are the archive. */
export type Pieces = readonly Buffer[];

/** Longer pieces, in practice the Node binary, are compressed once for all formats. */
const ownMemberBytes = 1 << 20;

/**
 * Compresses by GNU gzip, whose bytes are the same on every machine; those of Node's zlib differ from processor to
 * processor. A long piece becomes a member of its own (RFC 1952, section 2.2: members follow each other), which is
 * made once however many archives hold that buffer.
 */
export class Gzip {
  readonly #members = new WeakMap<Buffer, Promise<Buffer>>();

  async compress(pieces: Pieces): Promise<Buffer> {
    const members: Promise<Buffer>[] = [];
    let short: Buffer[] = [];
    const flush = (): void => {
      if (short.length > 0) members.push(gzip(Buffer.concat(short)));
      short = [];
    };
    for (const piece of pieces) {
      if (piece.length < ownMemberBytes) {
        short.push(piece);
        continue;
      }
      flush();
      const member = this.#members.get(piece) ?? gzip(piece);
      this.#members.set(piece, member);
      members.push(member);
    }
    flush();
    return Buffer.concat(await Promise.all(members));
  }
}

/** A small file by itself, as Debian and RPM want manual pages and changelogs. */
export function gzipBest(content: Buffer | string): Buffer {
  return execFileSync("gzip", ["-9", "-n", "-c"], { input: content });
}

async function gzip(bytes: Buffer): Promise<Buffer> {
  const child = spawn("gzip", ["-6", "-n", "-c"], { stdio: ["pipe", "pipe", "inherit"] });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stdin.end(bytes);
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`gzip ended with ${String(code)}`);
  return Buffer.concat(chunks);
}
