/**
 * The kernel's memory: what a scan reads and what it finds, in numbers at fixed places. Laid out once and never grown,
 * so the views of it stay valid for the life of the process. Pages are taken from the system when they are first used.
 */

/** Deepest nesting that is accepted; the outermost object is level 1. */
export const maxDepth = 1000;

/**
 * Numbers on the tape for each member of an object: start and end of its key with the quotes, start and end of its
 * value, and the place on the tape behind the members of that value. A member's own members follow it. A member takes
 * at least as many bytes (`"":0,`), so a tape as long as the text has room for all.
 */
export const memberSize = 5;

/** Maximum length of a text that is scanned here; longer ones are for `Scanner`. Bytes. */
export const longestText = 1024 * 1024;

/** Room behind the longest text: for the byte that ends it, and because its end may be read by words. */
const marginBytes = 64;

const numberBytes = 4;
/** Behind the longest text there may be the beginning of one more member, in which the text turns out not to fit. */
const tapeBytes = (longestText + memberSize) * numberBytes;
const depthBytes = maxDepth * numberBytes;
const rowPlaces = 22;
/** For what the kernel writes around the values of an alert. */
const textsBytes = 8192;
/** For what it writes from one alert; what does not fit is written in the ordinary way. */
const writtenBytes = 128 * 1024;

/** Where each part begins, in bytes from the beginning of the memory. */
export const kernelPlaces = {
  tape: longestText + marginBytes,
  opened: longestText + marginBytes + tapeBytes,
  owners: longestText + marginBytes + tapeBytes + depthBytes,
  row: longestText + marginBytes + tapeBytes + 2 * depthBytes,
  traits: longestText + marginBytes + tapeBytes + 2 * depthBytes + rowPlaces * numberBytes,
  texts: longestText + marginBytes + tapeBytes + 2 * depthBytes + (rowPlaces + 1) * numberBytes + 4,
  written: longestText + marginBytes + tapeBytes + 2 * depthBytes + (rowPlaces + 1) * numberBytes + 4 + textsBytes,
} as const;

/** WebAssembly counts memory in pages of 64 KiB. */
export const kernelPages = Math.ceil((kernelPlaces.written + writtenBytes + marginBytes) / 65_536);

/** Of the built sources, which tests run: the file with the compiled kernel. */
export const compiledKernel = "kernel.wasm";

/** The memory as WebAssembly has it; undefined where this process may not have any. */
export const kernelMemory = webAssemblyMemory();

function webAssemblyMemory(): WebAssembly.Memory | undefined {
  try {
    return new WebAssembly.Memory({ initial: kernelPages, maximum: kernelPages });
  } catch (reason) {
    // V8 reserves gigabytes of addresses for it, which a limit may forbid (setrlimit(2), RLIMIT_AS).
    if (reason instanceof RangeError) return undefined;
    throw reason;
  }
}

const memory = kernelMemory?.buffer ?? new ArrayBuffer(kernelPages * 65_536);

/** What is scanned. */
export const kernelText = new Uint8Array(memory, 0, kernelPlaces.tape);
/** The same, to read several bytes at once from any index. */
export const kernelView = new DataView(memory, 0, kernelPlaces.tape);
/** Where the members of the text's object are; see `memberSize`. Indices count from the start of the scanned text. */
export const kernelTape = new Int32Array(memory, kernelPlaces.tape, longestText + memberSize);
/** Of the containers that are open during a scan: where each begins. */
export const openedContainers = new Int32Array(memory, kernelPlaces.opened, maxDepth);
/** The same for the place on the tape of the member whose value it is, or `noOwner`. */
export const containerOwners = new Int32Array(memory, kernelPlaces.owners, maxDepth);
/** The outermost object and elements of an array are not the value of a member. */
export const noOwner = -1;
/** Where the members are that name an alert (`row.ts`). */
export const kernelRow = new Int32Array(memory, kernelPlaces.row, rowPlaces);
/** Texts and tables of `frames.ts`. */
export const kernelTexts = new Uint8Array(memory, kernelPlaces.texts, textsBytes - marginBytes);
/** What `frames.ts` has written last. */
export const kernelWritten = Buffer.from(memory, kernelPlaces.written, writtenBytes);
/** What is remarkable about the text that the WebAssembly kernel scanned last; see `assembly/scan.ts`. */
export const kernelTraits = new Int32Array(memory, kernelPlaces.traits, 1);
