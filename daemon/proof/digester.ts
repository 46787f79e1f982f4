import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { describe } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";
import { batchDigests, type DigestedBatch } from "./batch-digests.ts";
import type { DigestAnswer, DigestTask } from "./digest-worker.ts";

/** Inserted by the bundler: the program of the thread. */
declare const __DIGEST_WORKER__: string | undefined;
const bundled = typeof __DIGEST_WORKER__ === "string" ? __DIGEST_WORKER__ : undefined;

/** Fewer bytes are hashed sooner than a thread is woken; a batch of that size is of 5,000 records a second, or more. */
const fewBytes = 128 * 1024;
/** More are a single alert, which is rare, and of which there are enough copies. */
const manyBytes = 2 * 1024 * 1024;
/** A thread that has had nothing to do for this long is ended: it takes memory. */
const idleMs = 30_000;
/** Copies of batches that are kept, to be used again. */
const maxKept = 4;
/** The thread keeps nothing from one batch to the next. */
const memory = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 };

interface Waiting {
  readonly batch: DigestedBatch;
  readonly resolve: (digests: Buffer) => void;
}

/**
 * Makes the digests of what is sent: of small batches at once, of large ones in a thread, because two hashes a record would
 * take a tenth of the main thread's time. Should the thread end, its batches are hashed here.
 */
export class Digester {
  readonly #log: Log;
  readonly #program: string;
  readonly #isText: boolean;
  #worker: Worker | undefined;
  /** In the order of the answers. */
  #waiting: Waiting[] = [];
  #free: ArrayBuffer[] = [];
  #idle: NodeJS.Timeout | undefined;
  #hasFailed = false;

  /** @param program path of the thread's program; default: the one that belongs to it */
  constructor(log: Log, program?: string) {
    this.#log = log;
    this.#program = program ?? bundled ?? join(import.meta.dirname, "digest-worker.js");
    this.#isText = program === undefined && bundled !== undefined;
  }

  /**
   * Digests of a batch's records, 32 bytes each. Never rejects.
   * @param batch its bytes must not change until then
   */
  digests(batch: DigestedBatch): Buffer | Promise<Buffer> {
    const isUsual = batch.bytes.length >= fewBytes && batch.bytes.length <= manyBytes;
    if (!isUsual || this.#hasFailed) return batchDigests(batch);
    const worker = (this.#worker ??= this.#start());
    if (worker === undefined) return batchDigests(batch);
    const { topic, count, bytes } = batch;
    const copy = this.#copyOf(bytes);
    worker.postMessage({ topic, count, bytes: copy, length: bytes.length } satisfies DigestTask, [copy]);
    if (this.#waiting.length === 0) worker.ref();
    clearTimeout(this.#idle);
    return new Promise((resolve) => this.#waiting.push({ batch, resolve }));
  }

  /** Ends the thread. What was asked for is not answered any more. */
  dispose(): void {
    this.#waiting = [];
    this.#end();
  }

  /** @returns undefined if there can be no thread, as when the service may have no more of them */
  #start(): Worker | undefined {
    const options = { eval: this.#isText, env: {}, execArgv: [], resourceLimits: memory };
    try {
      const worker = new Worker(this.#program, options);
      worker.on("message", (answer: DigestAnswer) => this.#answered(worker, answer));
      worker.on("error", (reason) => this.#failed(worker, reason));
      worker.on("exit", (code) => this.#failed(worker, new Error(`it ended with ${code}`)));
      return worker;
    } catch (reason) {
      this.#failed(undefined, reason);
      return undefined;
    }
  }

  #answered(worker: Worker, { bytes, digests }: DigestAnswer): void {
    if (worker !== this.#worker) return;
    if (this.#free.length < maxKept) this.#free.push(bytes);
    this.#waiting.shift()?.resolve(Buffer.from(digests));
    if (this.#waiting.length > 0) return;
    worker.unref();
    this.#idle = setTimeout(() => this.#end(), idleMs).unref();
  }

  /** It has no bug that is known, and memory may be short. */
  #failed(worker: Worker | undefined, reason: unknown): void {
    if (worker !== this.#worker) return;
    this.#hasFailed = true;
    const what = "the thread that hashes records for manifests has ended; the main thread does it from now on";
    this.#log.warn({ code: "digest-thread-ended", reason: describe(reason) }, what);
    this.#end();
    for (const { batch, resolve } of this.#waiting.splice(0)) resolve(batchDigests(batch));
  }

  #end(): void {
    clearTimeout(this.#idle);
    this.#free = [];
    const worker = this.#worker;
    this.#worker = undefined;
    void worker?.terminate();
  }

  #copyOf(bytes: Uint8Array): ArrayBuffer {
    const free = this.#free.pop();
    const copy =
      free !== undefined && free.byteLength >= bytes.length
        ? free
        : new ArrayBuffer(bytes.length + (bytes.length >> 3));
    new Uint8Array(copy).set(bytes);
    return copy;
  }
}
