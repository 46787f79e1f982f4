import { constants } from "node:fs";
import { open } from "node:fs/promises";

const newline = 0x0a;
const stepBytes = 64 * 1024;

/**
 * Offset of the first byte of the line that the byte at `end` belongs to: an unfinished line is taken when it is whole.
 * @throws a system error if the file cannot be read
 */
export async function lineStart(path: string, end: number): Promise<number> {
  // A pipe that was put there since is read as empty, and blocks nobody.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.alloc(stepBytes);
    for (let stop = end; stop > 0; stop -= Math.min(stop, stepBytes)) {
      const length = Math.min(stop, stepBytes);
      const { bytesRead } = await file.read(buffer, 0, length, stop - length);
      const found = buffer.subarray(0, bytesRead).lastIndexOf(newline);
      if (found >= 0) return stop - length + found + 1;
    }
    return 0;
  } finally {
    await file.close();
  }
}
