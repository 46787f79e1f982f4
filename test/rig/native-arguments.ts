/**
 * Calls every function of a native file with all kinds of JavaScript values, for a test that checks whether the process
 * survives: `node native-arguments.js FILE SEED CALLS`. What is thrown must be a TypeError or RangeError, no descriptor
 * may be left open, and what was open before must still be.
 */
import { closeSync, fstatSync, mkdtempSync, openSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { present } from "./present.ts";
import { seededRandom } from "./random.ts";

const [, , file = "", seed = "", calls = ""] = process.argv;
const native: Record<string, unknown> = createRequire(file)(file);
const functions = Object.values(native).filter((value) => typeof value === "function");
const random = seededRandom(Number(seed));
const directory = mkdtempSync(join(tmpdir(), "dfn-"));
const open = openSync(join(directory, "file"), "a");
const closed = openSync(join(directory, "file"), "a");
closeSync(closed);
const server = createServer().listen(join(directory, "stream"));
server.unref();

function detached(): Uint8Array {
  const buffer = new ArrayBuffer(64);
  const view = new Uint8Array(buffer);
  structuredClone(buffer, { transfer: [buffer] });
  return view;
}

/** Numbers at the edges of what fits, and things that turn into numbers or strings when asked. */
const values: readonly unknown[] = [
  [undefined, null, true, false, 0n, 2n ** 64n, Symbol("s"), () => 1, [], [1], {}, new Date(), /x/],
  [open, closed, 1_000_000, 0.5, -0, -1, -4096, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 32 + open, 2 ** 53, 1e308],
  [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MIN_VALUE, 4096, 131_072, 33_554_432],
  ["", "x", "root", "nobody", "\0", "\0a", "a\0b", "\ud800", "\u{1f4a5}".repeat(64), "\u{1f4a5}".repeat(2000)],
  [104, 107, 108, 109, 255, 256, 257, 4095, 4096, 4097, 5_000_000].map((length) => "p".repeat(length)),
  [106, 107, 108].map((length) => `\0${"p".repeat(length)}`),
  [254, 255, 256, 4094, 4096].map((length) => `${"p".repeat(length)}\u{1f4a5}`),
  [join(directory, "stream"), join(directory, "file"), join(directory, "absent"), "/dev/log"],
  [Buffer.alloc(0), Buffer.from("x"), Buffer.alloc(1 << 20), Buffer.alloc((16 << 20) + 1), detached()],
  [new Float64Array(3), new DataView(new ArrayBuffer(8), 3), new Uint8Array(new SharedArrayBuffer(8))],
  [new ArrayBuffer(8), new SharedArrayBuffer(8)],
  [
    {
      valueOf: () => 1,
      toString: () => {
        throw new Error("asked for a string");
      },
    },
    new Proxy(
      {},
      {
        get: () => {
          throw new Error("asked for a property");
        },
      },
    ),
  ],
].flat();

function pick<T>(from: readonly T[]): T | undefined {
  return from[Math.floor(random() * from.length)];
}

function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

await new Promise((resolve) => server.once("listening", resolve));
let results = 0;
let refusals = 0;
const before = openDescriptors();
for (let call = 0; call < Number(calls); call++) {
  const chosen = present(pick(functions));
  const count = random() < 0.8 ? Math.max(1, chosen.length) : Math.floor(random() * 5);
  const wanted = { sendDatagram: 2, readCached: 3, recordDigests: 3 }[chosen.name];
  const given = Array.from({ length: wanted !== undefined && random() < 0.8 ? wanted : count }, () => pick(values));
  try {
    const result: unknown = Reflect.apply(chosen, undefined, given);
    results++;
    if (chosen.name === "connectDatagram" && typeof result === "number" && result >= 0) closeSync(result);
  } catch (reason) {
    if (!(reason instanceof TypeError || reason instanceof RangeError)) throw reason;
    refusals++;
  }
}
fstatSync(open);
if (openDescriptors() !== before) throw new Error(`${openDescriptors()} descriptors are open, ${before} were`);
rmSync(directory, { recursive: true });
process.stdout.write(`${results + refusals} calls: ${results} results, ${refusals} refusals\n`);
