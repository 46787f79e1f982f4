import { rm } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { SavedWindow } from "./pairing.ts";
import { savedWords } from "./pairing-window.ts";
import { writeAtomically } from "../disk/atomic-file.ts";
import { readRegularFile } from "../disk/read-file.ts";
import { describe, isAbsent } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";

const fileName = "window.bin";
/** What the file begins with; the digit is the version. */
const magic = "DFNWIND3";
/** The previous version, which an upgrade finds: it has no digests of the content. */
const formerMagic = "DFNPAIR2";
const formerWords = 4;
/** Where its parts are: little-endian numbers, a CRC-32 of all that follows it, the words in the machine's order. */
const at = { checksum: 8, forgottenSecond: 12, words: 20 } as const;
/** A full window takes 6.3 MB; a file with more than this is not ours. */
const maxFileBytes = 8 * 1024 * 1024;

/** Saves the pairing window next to the checkpoint, on a proper stop. */
export async function saveWindow(stateDir: string, { forgottenSecond, words }: SavedWindow): Promise<void> {
  const file = Buffer.alloc(at.words + words.byteLength);
  file.write(magic, "latin1");
  file.writeDoubleLE(forgottenSecond, at.forgottenSecond);
  file.set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength), at.words);
  file.writeUInt32LE(crc32(file.subarray(at.forgottenSecond)), at.checksum);
  await writeAtomically(join(stateDir, fileName), file);
}

/** Removes the saved window once it is of no more use. */
export async function removeWindow(stateDir: string): Promise<void> {
  await rm(join(stateDir, fileName), { force: true });
}

/**
 * Reads the saved window. Undefined if there is none, or if it cannot be understood: the window only spares
 * duplicates, so a damaged one is reported and ignored.
 */
export async function loadWindow(stateDir: string, log: Log): Promise<SavedWindow | undefined> {
  const path = join(stateDir, fileName);
  try {
    const window = decode(await readRegularFile(path, { maxBytes: maxFileBytes, links: "refuse" }));
    if (window !== undefined) return window;
    log.warn(
      { code: "pairing-window-damaged", path },
      "the saved pairing window is damaged or not ours and is ignored; an alert may be sent twice",
    );
  } catch (reason) {
    if (isAbsent(reason)) return undefined;
    const what = "the saved pairing window cannot be read and is ignored; an alert may be sent twice";
    log.warn({ code: "pairing-window-unreadable", path, reason: describe(reason) }, what);
  }
  return undefined;
}

function decode(file: Buffer): SavedWindow | undefined {
  if (file.length < at.words) return undefined;
  const version = file.toString("latin1", 0, at.checksum);
  if (version !== magic && version !== formerMagic) return undefined;
  if (file.readUInt32LE(at.checksum) !== crc32(file.subarray(at.forgottenSecond))) return undefined;
  const forgottenSecond = file.readDoubleLE(at.forgottenSecond);
  // A copy, because words begin at a multiple of their size.
  const bytes = new Uint8Array(file.subarray(at.words));
  const words = new Uint32Array(bytes.buffer, 0, Math.floor(bytes.length / Uint32Array.BYTES_PER_ELEMENT));
  if (!Number.isFinite(forgottenSecond)) return undefined;
  return { forgottenSecond, words: version === magic ? words : widened(words) };
}

/** Converts the words of the previous version. */
function widened(former: Uint32Array): Uint32Array {
  const entries = Math.floor(former.length / formerWords);
  const words = new Uint32Array(entries * savedWords);
  for (let entry = 0; entry < entries; entry++) {
    words.set(former.subarray(entry * formerWords, (entry + 1) * formerWords), entry * savedWords);
  }
  return words;
}
