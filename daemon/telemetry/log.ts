import { pino, type Logger } from "pino";
import pretty from "pino-pretty";
import { printable, printableJson } from "../printable.ts";

/**
 * The log. Levels by consequence for the administrator: info = what you asked for happened; warn = odd, nothing lost;
 * error = act now. Never log an alert's text, a secret, or one line per alert.
 */
export type Log = Pick<Logger, "debug" | "info" | "warn" | "error">;

type LogLevel = "debug" | "info" | "warn" | "error";

/**
 * JSON lines on standard error, or readable text when standard error is a terminal. What could steer a terminal is
 * escaped in both: the lines of the first are read on one as well.
 */
export function createLog(level: LogLevel): Log {
  const isTerminal = process.stderr.isTTY;
  const options = {
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: { streamWrite: isTerminal ? readable : escapedLine },
  };
  if (isTerminal) {
    return pino(options, pretty({ destination: 2, sync: true, ignore: "pid,hostname", colorize: true }));
  }
  return pino(options, pino.destination({ dest: 2, sync: true }));
}

/** One line of JSON and its end. */
function escapedLine(line: string): string {
  return `${printableJson(line.trimEnd())}\n`;
}

/** As `escapedLine`, for a reader that parses the line and prints its values: the texts contain the escapes. */
function readable(line: string): string {
  return `${JSON.stringify(JSON.parse(line), escapedTexts)}\n`;
}

function escapedTexts(_key: string, value: unknown): unknown {
  return typeof value === "string" ? printable(value) : value;
}

/** A log that drops everything: for tests. */
export const silentLog: Log = pino({ level: "silent" });
