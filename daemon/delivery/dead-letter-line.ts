import type { DeadLetter } from "./dead-letter-segments.ts";

export type NewDeadLetter = Omit<DeadLetter, "version" | "time" | "raw" | "keptBytes"> & { readonly bytes: Buffer };

/** A multiple of 3, so that the parts' base64 joined is that of the whole. */
const partBytes = 48 * 1024;

/**
 * An entry as the line that stands in the file, its newline included. Base64 is made in parts: bytes of 16 MiB as one
 * text, and as a text in a text, would take five times their size.
 */
export function lineOf({ bytes, ...rest }: NewDeadLetter, now: Date): Buffer {
  const letter: DeadLetter = {
    version: 1,
    time: now.toISOString(),
    ...rest,
    ...(bytes.length < rest.place.length ? { keptBytes: bytes.length } : {}),
  };
  const head = Buffer.from(`${JSON.stringify(letter).slice(0, -1)},"raw":"`);
  const tail = '"}\n';
  const line = Buffer.allocUnsafe(head.length + Math.ceil(bytes.length / 3) * 4 + tail.length);
  let at = head.copy(line);
  for (let from = 0; from < bytes.length; from += partBytes) {
    at += line.write(bytes.toString("base64", from, from + partBytes), at, "latin1");
  }
  line.write(tail, at, "latin1");
  return line;
}
