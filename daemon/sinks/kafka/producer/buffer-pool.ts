/** Holds a batch of the largest size that the settings allow, before compression. */
const usualBytes = 1024 * 1024;
/** About as many batches are compressed at once: Node's thread pool has four threads. */
const maxKept = 4;

const free: Buffer[] = [];

/**
 * Memory for what is needed for a moment only, given back by whoever took it. Batches are encoded into it to be
 * compressed: a new megabyte for each is garbage that Node collects late, and by then there are dozens.
 */
export const pooledBuffer = {
  take(bytes: number): Buffer {
    if (bytes > usualBytes) return Buffer.allocUnsafeSlow(bytes);
    return (free.pop() ?? Buffer.allocUnsafeSlow(usualBytes)).subarray(0, bytes);
  },

  /** @param buffer as `take` returned it; nothing else may use it any more */
  give(buffer: Buffer): void {
    if (buffer.buffer.byteLength === usualBytes && free.length < maxKept) {
      free.push(Buffer.from(buffer.buffer));
    }
  },
};
