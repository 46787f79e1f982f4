import type { Stored } from "./dead-letter-store.ts";
import { printable } from "./printable.ts";

/** What `list --json` tells of an entry: all but its bytes. */
export function listed({ id, letter }: Stored) {
  const { raw, version: _version, ...rest } = letter;
  return { id, ...rest, rawBytes: raw === undefined ? 0 : Buffer.byteLength(raw, "base64") };
}

/** One line of the list, without its end. */
export function listLine({ id, letter }: Stored): string {
  const { time, reason, handler, place, detail } = letter;
  const columns = [
    id.padEnd(36),
    printable(time),
    printable(reason).padEnd(16),
    printable(handler ?? "-").padEnd(11),
    `${place.length} B`.padStart(9),
  ];
  return `${columns.join("  ")}  ${printable(detail)}`;
}

export const listHead = [
  "ID".padEnd(36),
  "TIME".padEnd(24),
  "REASON".padEnd(16),
  "HANDLER".padEnd(11),
  "SIZE".padStart(9),
  "DETAIL",
].join("  ");

/** An entry with all that is known of it, and the alert's own bytes as text. */
export function shown({ id, letter }: Stored): string {
  const { time, source, node, reason, detail, handler, place, raw, keptBytes } = letter;
  const facts: [string, string][] = [
    ["id", id],
    ["time", time],
    ["source", source],
    ["node", node ?? "-"],
    ["reason", reason],
    ["detail", detail],
    ["handler", handler ?? "-"],
    ["place", `${place.file}, byte ${place.offset}, ${place.length} bytes long`],
  ];
  const lines = facts.map(([name, value]) => `${name.padEnd(8)} ${printable(value)}`);
  if (raw === undefined) lines.push("alert    its bytes were given up for room in the store");
  else {
    lines.push(keptBytes === undefined ? "alert" : `alert    the first ${keptBytes} bytes of it`);
    lines.push(printable(Buffer.from(raw, "base64").toString()));
  }
  return `${lines.join("\n")}\n`;
}
