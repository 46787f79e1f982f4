import { nearest } from "../config/nearest.ts";
import { DfnError } from "../errors.ts";
import type { Command } from "./command.ts";

/** The text of `wazuh-dfn --help`: every command with its summary. */
export function overview(commands: readonly Pick<Command, "name" | "summary">[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `Ships relevant Wazuh alerts to Kafka: each once, none lost.

Usage: wazuh-dfn COMMAND [OPTION]...

Commands:
${lines.join("\n")}

More about a command: wazuh-dfn COMMAND --help. A configuration to start from: wazuh-dfn config sample
`;
}

/** The error for a command that does not exist, with the nearest one that does. */
export function unknownCommand(written: string, names: readonly string[]): DfnError {
  const meant = nearest(written, names);
  const hint = meant === undefined ? `there are: ${names.join(", ")}` : `did you mean ${meant}?`;
  return new DfnError("USAGE", `there is no command "${written}"; ${hint}`);
}

/** Whether `--help` or `-h` is among the options (not after `--`). */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === "--help" || arg === "-h");
}
