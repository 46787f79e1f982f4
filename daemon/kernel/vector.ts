/** The kernel in WebAssembly: `assembly`, compiled when the product is built. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compiledKernel, kernelMemory, kernelPlaces, kernelTraits } from "./memory.ts";

/** The compiled kernel in base64; only in the bundle. */
declare const __KERNEL__: string | undefined;

const inexact = 1;
const foreign = 2;

/** As of `plain.ts` and `row.ts`, where each is described. */
export interface Kernel {
  readonly scanText: (start: number, end: number) => number;
  readonly scannedInexactNumber: () => boolean;
  readonly scannedForeignForm: () => boolean;
  readonly fillRow: (tapeLength: number) => boolean;
}

/** The same with what only WebAssembly does; see `frames.ts`. Places are in bytes from the beginning of the memory. */
interface VectorKernel extends Kernel {
  readonly writeFrames: (
    ...[tape, from, to, table, count, out, outEnd]: [number, number, number, number, number, number, number]
  ) => number;
  readonly writeData: (
    ...[tape, from, to, marks, out, outEnd]: [number, number, number, number, number, number]
  ) => number;
}

/** Undefined where there is no memory for it, or sources run that were not built. */
export const vectorKernel: VectorKernel | undefined = load();

function load(): VectorKernel | undefined {
  const compiled = bytes();
  if (compiled === undefined || kernelMemory === undefined) return undefined;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(compiled), { env: { memory: kernelMemory } });
  const { scan, layOut, fillRow, writeFrames, writeData } = exports;
  if (!scan || !layOut || !fillRow || !writeFrames || !writeData) {
    throw new Error("the kernel was compiled from another source");
  }
  layOut(kernelPlaces.tape, kernelPlaces.opened, kernelPlaces.owners, kernelPlaces.traits);
  return {
    scanText: scan,
    scannedInexactNumber: () => (kernelTraits[0]! & inexact) !== 0,
    scannedForeignForm: () => (kernelTraits[0]! & foreign) !== 0,
    fillRow: (tapeLength) => fillRow(kernelPlaces.tape, tapeLength, kernelPlaces.row) !== 0,
    writeFrames,
    writeData,
  };
}

function bytes(): Uint8Array | undefined {
  if (typeof __KERNEL__ === "string") return Buffer.from(__KERNEL__, "base64");
  const path = join(import.meta.dirname, compiledKernel);
  return existsSync(path) ? readFileSync(path) : undefined;
}
