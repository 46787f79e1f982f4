import { setFlagsFromString } from "node:v8";
import { loadNative } from "../os/native.ts";

/** What glibc begins with. */
const ownMappingBytes = 128 * 1024;

/** Makes this process give back early what it no longer needs. For the forwarder, which runs for months. */
export function keepMemorySmall(): void {
  keepHeapSmall();
  returnLargeBlocks();
}

/**
 * Makes V8 collect sooner than it would. What passes through here lives until Kafka answers, so nearly all of it is
 * promoted however large the young generation grows (48 MB); and buffers that were promoted wait for a full collection,
 * which comes when the heap has grown fourfold. Measured with a backlog of Windows alerts: 160 MB at the peak, 245 MB
 * without; after an outage 200 MB, 235 MB without the second flag; no difference in processor time.
 */
function keepHeapSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--heap-growing-percent=150");
}

/**
 * Keeps glibc from taking large blocks out of its heap. It would once one of them was freed: it raises the size from
 * which a block gets a mapping of its own, up to 32 MiB (mallopt(3)). Between lines of 10 MB the heap then keeps holes
 * that fit nothing, and grew to 150 MB in a minute of them.
 */
function returnLargeBlocks(): void {
  try {
    loadNative().setMmapThreshold(ownMappingBytes); // Another C library has neither the setting nor the habit.
  } catch {
    // The native file is missing: the lock of the state directory says so.
  }
}
