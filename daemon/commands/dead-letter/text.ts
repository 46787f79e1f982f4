import type { Stored } from "../../dead-letters/reader.ts";
import { printable, printableLines } from "../../printable.ts";

/** What `list --json` shows of an entry: everything except its bytes. */
export function listed({ id, letter, isAcknowledged, rawBytes }: Stored) {
  const { raw: _raw, version: _version, ...rest } = letter;
  return { id, ...rest, rawBytes, acknowledged: isAcknowledged };
}

/** One line of the list, without its end. */
export function listLine({ id, letter, isAcknowledged }: Stored): string {
  const { time, reason, handler, place, detail } = letter;
  const columns = [
    id.padEnd(36),
    time,
    reason.padEnd(16),
    (handler ?? "-").padEnd(11),
    `${place.length} B`.padStart(9),
  ];
  return printable(`${columns.join("  ")}  ${isAcknowledged ? "(acknowledged) " : ""}${detail}`);
}

export const listHead = [
  "ID".padEnd(36),
  "TIME".padEnd(24),
  "REASON".padEnd(16),
  "HANDLER".padEnd(11),
  "SIZE".padStart(9),
  "DETAIL",
].join("  ");

/** An entry with everything known about it, and the alert's own bytes as text. */
export function shown({ id, letter, isAcknowledged, rawBytes }: Stored): string {
  const { time, source, node, reason, detail, handler, place, raw, keptBytes } = letter;
  const facts: [string, string][] = [
    ["id", id],
    ["time", time],
    ["source", source],
    ["node", node ?? "-"],
    ["reason", reason],
    ["detail", detail],
    ["handler", handler ?? "-"],
    ["state", isAcknowledged ? "acknowledged" : "open"],
    ["place", `${place.file}, byte ${place.offset}, ${place.length} bytes long`],
  ];
  const lines = facts.map(([name, value]) => `${name.padEnd(8)} ${printable(value)}`);
  if (raw === undefined) lines.push(`alert    ${whereRawIs(rawBytes)}`);
  else {
    lines.push(keptBytes === undefined ? "alert" : `alert    the first ${keptBytes} bytes of it`);
    lines.push(printable(Buffer.from(raw, "base64").toString()));
  }
  return printableLines(`${lines.join("\n")}\n`);
}

/** What is printed instead of an alert's bytes. @param rawBytes the size they take in the store */
export function whereRawIs(rawBytes: number): string {
  return rawBytes === 0
    ? "its bytes were removed to make room in the store"
    : `its ${rawBytes} bytes exceed max_line, so they were not read`;
}
