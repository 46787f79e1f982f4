/**
 * XML inside a JSON string, written by WebAssembly from members of the text that the kernel scanned last. Only what is
 * usual: ASCII, short escapes, keys without escapes, and at most `kernelWritten` of it; the caller writes all else itself.
 */
import { kernelPlaces, kernelTexts, kernelWritten } from "./memory.ts";
import { vectorKernel } from "./vector.ts";

/** What is written for a member: something around its text. All of it ASCII. */
export interface FrameTexts {
  readonly key: string;
  readonly open: Uint8Array;
  readonly close: Uint8Array;
  /** All of it where the member is missing or says nothing. */
  readonly empty: Uint8Array;
  /** Then an empty text is one, and references stand for quotes and blanks. */
  readonly isAttribute: boolean;
}

/** What is written around each member of an object. */
export interface DataTexts {
  /** In front of the key. */
  readonly begin: Uint8Array;
  /** Between key and text. */
  readonly open: Uint8Array;
  /** Behind the text. */
  readonly close: Uint8Array;
  /** Behind the key of a member that says nothing. */
  readonly empty: Uint8Array;
}

const entryNumbers = 10;

let used = 0;

/** @returns where it is in the kernel's memory @throws Error when the kernel has no more room for texts */
function keep(bytes: Uint8Array): number {
  const at = used;
  if (at + bytes.length > kernelTexts.length) throw new Error("no room for another text of the kernel");
  kernelTexts.set(bytes, at);
  used += bytes.length;
  return kernelPlaces.texts + at;
}

function keepNumbers(numbers: readonly number[]): number {
  return keep(new Uint8Array(Int32Array.from(numbers).buffer));
}

function placed(text: Uint8Array): [number, number] {
  return [keep(text), text.length];
}

/** Texts that a program writes around members, laid out once in the kernel's memory. */
export class Frames {
  readonly #table: number;
  readonly #count: number;

  constructor(frames: readonly FrameTexts[]) {
    this.#count = frames.length;
    const numbers = frames.flatMap(({ key, open, close, empty, isAttribute }) => {
      const texts = [Buffer.from(key), open, close, empty].flatMap(placed);
      return [...texts, Number(isAttribute), 0];
    });
    if (numbers.length !== frames.length * entryNumbers) throw new Error("an entry has another length");
    this.#table = keepNumbers(numbers);
  }

  /**
   * Writes the members between two numbers of the tape, in the order of the frames.
   * @returns what was written, until the kernel writes again; undefined where the caller has to write it
   */
  write(from: number, to: number): Buffer | undefined {
    return written(
      vectorKernel?.writeFrames(
        kernelPlaces.tape,
        from,
        to,
        this.#table,
        this.#count,
        kernelPlaces.written,
        writtenEnd,
      ),
    );
  }
}

/** The same for members that are written with their keys. */
export class Data {
  readonly #marks: number;

  constructor({ begin, open, close, empty }: DataTexts) {
    this.#marks = keepNumbers([begin, open, close, empty].flatMap(placed));
  }

  /** @returns as `Frames.write` */
  write(from: number, to: number): Buffer | undefined {
    return written(vectorKernel?.writeData(kernelPlaces.tape, from, to, this.#marks, kernelPlaces.written, writtenEnd));
  }
}

const writtenEnd = kernelPlaces.written + kernelWritten.length;

function written(end = 0): Buffer | undefined {
  return end === 0 ? undefined : kernelWritten.subarray(0, end - kernelPlaces.written);
}
