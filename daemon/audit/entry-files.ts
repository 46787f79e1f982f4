import { closeSync, constants, fstatSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { describe, DfnError, errnoOf } from "../errors.ts";
import { EntryBlock, entryBytes, writeEntry, type Entry } from "./entries.ts";
import { partPath, type Workspace } from "./workspace.ts";

/** By the first byte of the identity, so entries of one identity are in one file. */
const partCount = 256;
/** What is collected for a file before it is written. */
const pieceBytes = 240 * entryBytes;
/** How often it is asked whether there is still space; bytes. */
const checkEveryBytes = 16 * 1024 * 1024;
/** The largest part that is read into memory; all parts together hold some 400 million entries. */
const maxPartBytes = 96 * 1024 * 1024;

/** Entries in files of the workspace, parted by their identity. */
export class EntryFiles implements Disposable {
  readonly #workspace: Workspace;
  readonly #parts: (Part | undefined)[] = Array.from({ length: partCount }, () => undefined);
  #unchecked = 0;
  /** Holds one part after the other. */
  #room = Buffer.alloc(0);
  count = 0;

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  /** @throws DfnError IO if the disk is full, DATA if there are more than can be compared */
  add(entry: Entry): void {
    const number = entry.identity[0]!;
    const part = (this.#parts[number] ??= openPart(this.#workspace.directory, number));
    writeEntry(entry, part.piece, part.used);
    part.used += entryBytes;
    this.count += 1;
    if (part.used === pieceBytes) this.#write(part);
  }

  /** The parts one after the other; each is valid until the next is asked for, and then removed. Nothing may be added any more. */
  *blocks(): Generator<EntryBlock> {
    for (let number = 0; number < partCount; number++) {
      const part = this.#parts[number];
      if (part === undefined) continue;
      this.#write(part);
      const { size } = fstatSync(part.fd);
      if (this.#room.length < size) this.#room = Buffer.allocUnsafeSlow(Math.ceil(size * 1.25));
      const bytes = this.#room.subarray(0, size);
      for (let at = 0; at < size;) {
        const read = readSync(part.fd, bytes, at, size - at, at);
        if (read === 0) throw new DfnError("IO", `${part.path} became shorter; run it again`);
        at += read;
      }
      yield new EntryBlock(bytes);
      this.#parts[number] = undefined;
      closePart(part);
    }
  }

  [Symbol.dispose](): void {
    for (const [number, part] of this.#parts.entries()) {
      if (part !== undefined) closePart(part);
      this.#parts[number] = undefined;
    }
  }

  #write(part: Part): void {
    try {
      for (let at = 0; at < part.used;) at += writeSync(part.fd, part.piece, at, part.used - at);
    } catch (reason) {
      if (errnoOf(reason) === "ENOSPC") this.#workspace.assertSpace(pieceBytes * partCount);
      throw new DfnError("IO", `${part.path} cannot be written: ${describe(reason)}`, { cause: reason });
    }
    part.bytes += part.used;
    this.#unchecked += part.used;
    part.used = 0;
    if (part.bytes > maxPartBytes) {
      throw new DfnError("DATA", "these are more records than can be compared at once: narrow it with --from and --to");
    }
    if (this.#unchecked < checkEveryBytes) return;
    this.#unchecked = 0;
    this.#workspace.assertSpace(checkEveryBytes);
  }
}

interface Part {
  readonly path: string;
  readonly fd: number;
  readonly piece: Buffer;
  used: number;
  bytes: number;
}

function openPart(directory: string, number: number): Part {
  const path = partPath(directory, number);
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
  try {
    const fd = openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    return { path, fd, piece: Buffer.allocUnsafeSlow(pieceBytes), used: 0, bytes: 0 };
  } catch (reason) {
    throw new DfnError("IO", `${path} cannot be made: ${describe(reason)}`, { cause: reason });
  }
}

function closePart({ path, fd }: Part): void {
  closeSync(fd);
  unlinkSync(path);
}
