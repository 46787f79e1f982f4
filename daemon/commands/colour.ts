import { WriteStream } from "node:tty";
import type { Io } from "./command.ts";

/** Select Graphic Rendition of ECMA-48; only the sixteen colours that each terminal has, and people choose themselves. */
const codes = { good: "32", bad: "1;31", warn: "33", faint: "2", strong: "1", head: "7" } as const;

export type Style = keyof typeof codes;

/** @param text printable */
export function styled(text: string, style: Style): string {
  return text === "" ? "" : `\u001b[${codes[style]}m${text}\u001b[0m`;
}

/** Whether standard output is a terminal that can do more than print. */
export function isCapable({ stdout, env }: Io): boolean {
  const { TERM = "" } = env;
  return stdout instanceof WriteStream && TERM !== "" && TERM !== "dumb";
}

/** Whether text on standard output is coloured: on such a terminal, unless NO_COLOR is set (no-color.org). */
export function isColoured(io: Io): boolean {
  return isCapable(io) && (io.env["NO_COLOR"] ?? "") === "";
}
