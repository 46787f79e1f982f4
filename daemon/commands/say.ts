import { printableLines } from "../printable.ts";

/**
 * Writes a message for the administrator. Further lines are set in: a newline in a file's name does not begin a message of
 * ours.
 */
export function say(stream: NodeJS.WritableStream, message: string): void {
  const [first = "", ...more] = printableLines(message).split("\n");
  const lines = more.map((line) => (line.startsWith("  ") ? line : `  ${line}`));
  stream.write(`${[`wazuh-dfn: ${first}`, ...lines].join("\n")}\n`);
}
