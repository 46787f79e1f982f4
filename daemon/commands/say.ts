import { printableLines } from "../printable.ts";

/**
 * Writes a message for the administrator. Further lines are indented: a newline in a file's name cannot start what looks
 * like a message of ours.
 */
export function say(stream: NodeJS.WritableStream, message: string): void {
  const [first = "", ...more] = printableLines(message).split("\n");
  const lines = more.map((line) => (line.startsWith("  ") ? line : `  ${line}`));
  stream.write(`${[`wazuh-dfn: ${first}`, ...lines].join("\n")}\n`);
}
