import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { loadNative } from "../../os/native.ts";
import { command } from "../../printable.ts";
import { failed, type CheckResult, ok, unseen, warning } from "../result.ts";
import { startOfText } from "../read.ts";
import { isAbsent } from "../../errors.ts";

const MiB = 1024 * 1024;
/** The forwarder's state needs little; analysisd writes torn lines when the disk is full. */
const disk = { fewBytes: 1024 * MiB, fewInodes: 10_000, noBytes: 32 * MiB, noInodes: 100 };
/** What the forwarder needs besides the alerts in flight: Node, code, batches. */
const baseMemoryBytes = 160 * MiB;

/** adjtimex(2) returns this if no clock service keeps the time: TIME_ERROR. */
const timeError = 5;

/** @param state what adjtimex(2) returned; undefined if it could not be called */
export function judgeClock(state: number | undefined): CheckResult[] {
  if (state === undefined) return [unseen("whether a clock service keeps the time", "timedatectl")];
  if (state !== timeError) return [ok("a clock service keeps the time")];
  const text = "no clock service keeps the time, on which certificates and alerts depend";
  return [warning(text, "timedatectl set-ntp true")];
}

export function lookAtClock(): number | undefined {
  try {
    return loadNative().clockState();
  } catch {
    return undefined; // The native file is missing, or the system forbids the call.
  }
}

interface DiskFacts {
  readonly directory: string;
  readonly freeBytes: number;
  /** Undefined for a file system without a fixed number of them. */
  readonly freeInodes: number | undefined;
}

export function judgeDisk({ directory, freeBytes, freeInodes }: DiskFacts): CheckResult {
  const free = `${Math.floor(freeBytes / MiB)} MiB are free`;
  const inodes = freeInodes ?? Number.MAX_SAFE_INTEGER;
  const remedy = command`df -h ${directory}; df -i ${directory}  # make room`;
  const what = inodes < disk.fewInodes ? `${inodes} files can still be created` : free;
  if (freeBytes < disk.noBytes || inodes < disk.noInodes)
    return failed(`the disk of ${directory} is full: ${what}`, remedy);
  if (freeBytes < disk.fewBytes || inodes < disk.fewInodes) {
    return warning(`the disk of ${directory} is nearly full: ${what}`, remedy);
  }
  return ok(`${directory}: ${free}`);
}

/** The space available to users other than root; if the directory does not exist yet, of the nearest one above it. */
export async function lookAtDisk(directory: string): Promise<DiskFacts> {
  try {
    const { bavail, bsize, ffree, files } = await statfs(directory);
    return { directory, freeBytes: bavail * bsize, freeInodes: files === 0 ? undefined : ffree };
  } catch (reason) {
    if (!isAbsent(reason) || directory === dirname(directory)) throw reason;
    return lookAtDisk(dirname(directory));
  }
}

interface MemoryFacts {
  readonly availableBytes: number | undefined;
  /** `limits.memory`. */
  readonly limitBytes: number;
  /** Of the running forwarder. */
  readonly rssBytes: number | undefined;
}

export function judgeMemory({ availableBytes, limitBytes, rssBytes }: MemoryFacts): CheckResult[] {
  if (availableBytes === undefined) return [unseen("how much memory there is", "free -m")];
  const available = `${Math.floor(availableBytes / MiB)} MiB of memory are available`;
  const usedText = rssBytes === undefined ? "" : `; the forwarder uses ${Math.floor(rssBytes / MiB)} MiB`;
  const needed = Math.max(0, limitBytes + baseMemoryBytes - (rssBytes ?? 0));
  if (availableBytes >= needed) return [ok(`${available}${usedText}`)];
  const text = `${available}, and the forwarder may need ${Math.floor(needed / MiB)} MiB more${usedText}`;
  return [warning(text, "free -m  # make room, or lower limits.memory")];
}

export async function availableMemory(): Promise<number | undefined> {
  const text = await startOfText("/proc/meminfo", 65_536).catch(() => "");
  const kib = /^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}
