import { lstat, mkdir, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { describe } from "../../errors.ts";
import { syncDirectory } from "../../disk/atomic-file.ts";
import { type Flock, loadFlock, waitForLock } from "../../os/flock.ts";
import { behindOwnLink, openForAppending } from "../../disk/open-file.ts";
import type { Log } from "../../telemetry/log.ts";

const newlineByte = 0x0a;

/** What a failed append left that could not be cut off. */
interface Leftover {
  /** Size of the file without it. */
  readonly from: number;
  readonly to: number;
}

interface OpenFile {
  readonly handle: FileHandle;
  readonly ino: number;
  leftover: Leftover | undefined;
}

/**
 * A file of whole lines, to which several processes may append (a replay next to the forwarder): each holds a lock while
 * it does, so that none takes the half of another's line for what a crash left, and none cuts off another's lines.
 */
export class RecordFile implements AsyncDisposable {
  readonly #path: string;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  #file: OpenFile | undefined;
  #flock: Flock | undefined;
  #isWithoutLock = false;

  /** @param signal ends the waiting for the lock */
  constructor(path: string, log: Log, signal: AbortSignal) {
    this.#path = path;
    this.#log = log;
    this.#signal = signal;
  }

  /** The file and its size in whole lines. A file that was moved away or emptied (logrotate) is begun again. */
  async look(): Promise<{ readonly handle: FileHandle; readonly bytes: number }> {
    return this.#locked((file, bytes) => Promise.resolve({ handle: file.handle, bytes }));
  }

  /** Appends lines whole or not at all, and on disk when it resolves. @returns where they begin, in bytes */
  append(lines: Buffer): Promise<number> {
    return this.#locked(async (file, from) => {
      try {
        await file.handle.appendFile(lines);
        await file.handle.datasync();
      } catch (reason) {
        const { size } = await file.handle.stat();
        file.leftover = { from, to: size };
        await cutOff(file, file.leftover);
        throw reason;
      }
      return from;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.handle.close();
    this.#file = undefined;
  }

  async #locked<T>(action: (file: OpenFile, bytes: number) => Promise<T>): Promise<T> {
    const file = await this.#opened();
    const { fd } = file.handle;
    const flock = this.#lock();
    if (flock !== undefined) await waitForLock(flock, fd, this.#signal);
    try {
      return await action(file, await this.#repaired(file));
    } finally {
      flock?.unlock(fd);
    }
  }

  async #opened(): Promise<OpenFile> {
    const path = await behindOwnLink(this.#path);
    const there = await lstat(path).catch(() => undefined); // What else is wrong with it, open says.
    if (this.#file !== undefined && this.#file.ino === there?.ino) return this.#file;
    await this[Symbol.asyncDispose]();
    await mkdir(dirname(path), { recursive: true });
    const handle = await openForAppending(path, 0o640);
    try {
      const { size, ino } = await handle.stat();
      // A file that was just made has its name on the disk before a record counts as there.
      if (size === 0) await syncDirectory(dirname(path));
      this.#file = { handle, ino, leftover: undefined };
      return this.#file;
    } catch (reason) {
      await handle.close();
      throw reason;
    }
  }

  /** The size, after what a failed append or a crash left was cut off. */
  async #repaired(file: OpenFile): Promise<number> {
    const { size } = await file.handle.stat();
    const { leftover } = file;
    if (leftover !== undefined) {
      // Where others wrote behind it, its lines stay: they are records that come twice, and not records that are lost.
      if (leftover.to === size) return cutOff(file, leftover);
      file.leftover = undefined;
    }
    const bytes = await wholeLines(file.handle, size);
    if (bytes < size) {
      const what = "cut off a record that a crash had left half written";
      this.#log.warn({ code: "record-file-repaired", path: this.#path, bytes: size - bytes }, what);
      await file.handle.truncate(bytes);
    }
    return bytes;
  }

  #lock(): Flock | undefined {
    if (this.#flock !== undefined || this.#isWithoutLock) return this.#flock;
    try {
      this.#flock = loadFlock();
    } catch (reason) {
      this.#isWithoutLock = true;
      const what =
        "the records file cannot be locked without the native file: do not run replay while a forwarder runs";
      this.#log.warn({ code: "record-file-not-locked", path: this.#path, reason: describe(reason) }, what);
    }
    return this.#flock;
  }
}

async function cutOff(file: OpenFile, { from }: Leftover): Promise<number> {
  await file.handle.truncate(from);
  file.leftover = undefined;
  return from;
}

/** The size of a file without its unfinished last line. */
async function wholeLines(handle: FileHandle, size: number): Promise<number> {
  const last = Buffer.alloc(1);
  if (size === 0 || ((await handle.read(last, 0, 1, size - 1)).bytesRead === 1 && last[0] === newlineByte)) return size;
  const chunk = Buffer.alloc(64 * 1024);
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - chunk.length);
    const { bytesRead } = await handle.read(chunk, 0, end - start, start);
    const newline = chunk.subarray(0, bytesRead).lastIndexOf(newlineByte);
    if (newline >= 0) return start + newline + 1;
    end = start;
  }
  return 0;
}
