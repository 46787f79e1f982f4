/** The thread of a `Digester`: digests of the batches that it is sent, one after the other. */
import { parentPort } from "node:worker_threads";
import { batchDigests } from "./batch-digests.ts";

/** A batch; `bytes` is moved here, and moved back with the answer. */
export interface DigestTask {
  readonly topic: string;
  readonly count: number;
  readonly bytes: ArrayBuffer;
  /** Bytes of records at its beginning. */
  readonly length: number;
}

/** Answers come in the order of the tasks. */
export interface DigestAnswer {
  readonly bytes: ArrayBuffer;
  /** 32 bytes a record. */
  readonly digests: ArrayBuffer;
}

parentPort?.on("message", ({ topic, count, bytes, length }: DigestTask) => {
  const { buffer: digests } = batchDigests({ topic, count, bytes: new Uint8Array(bytes, 0, length) });
  parentPort?.postMessage({ bytes, digests } satisfies DigestAnswer, [bytes, digests]);
});
