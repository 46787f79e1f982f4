import { createHash } from "node:crypto";
import { seededRandom } from "../rig/random.ts";
import type { Draw } from "./mutator.ts";

/** Numbers that depend on an input's bytes alone: whatever else is chosen for it repeats with it. */
export function drawOf(input: Buffer): Draw {
  const random = seededRandom(createHash("sha256").update(input).digest().readUInt32LE());
  return (below) => Math.floor(random() * below);
}

/** An input as it may arrive: in pieces, each in memory of its own. */
export function chunksOf(input: Buffer, draw: Draw): Buffer[] {
  const usual = [1 + draw(4), 1 + draw(64), 4096, 65_536][draw(4)] ?? 1;
  const least = Math.max(usual, Math.ceil(input.length / 2000));
  const chunks: Buffer[] = [];
  for (let at = 0; at < input.length;) {
    const end = at + 1 + draw(2 * least);
    chunks.push(Buffer.from(input.subarray(at, end)));
    at = end;
  }
  return chunks;
}

/** Its lines, without their newlines; what follows the last newline is `rest`. */
export function linesOf(input: Buffer): { readonly lines: Buffer[]; readonly rest: Buffer } {
  const lines: Buffer[] = [];
  let at = 0;
  for (let end = input.indexOf(0x0a); end >= 0; end = input.indexOf(0x0a, at)) {
    lines.push(input.subarray(at, end));
    at = end + 1;
  }
  return { lines, rest: input.subarray(at) };
}
