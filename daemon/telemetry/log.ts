import { pino, type Logger, type LoggerOptions } from "pino";
import pretty from "pino-pretty";
import { printable, printableJson } from "../printable.ts";
import { FloodGuard } from "./flood-guard.ts";

/**
 * The log. Levels by consequence for the administrator: info = what you asked for happened; warn = odd, nothing lost;
 * error = act now. Never log an alert's text, a secret, or one line per alert. Each line has a `code`, which no other line has
 * and which never changes its meaning; the end of a condition has the condition's and `-over`.
 */
export type Log = Pick<Logger, "debug" | "info" | "warn" | "error">;

/** One for the process, over every reload. */
const flood = new FloodGuard();
process.once("exit", () => flood.flush());

type LogHook = NonNullable<NonNullable<LoggerOptions["hooks"]>["logMethod"]>;

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
    hooks: { streamWrite: isTerminal ? readable : escapedLine, logMethod: guarded(flood) },
  };
  if (isTerminal) {
    return pino(options, pretty({ destination: 2, sync: true, ignore: "pid,hostname", colorize: true }));
  }
  return pino(options, pino.destination({ dest: 2, sync: true }));
}

/** For pino: sums up what comes too often, with how many lines it is in `lines`. */
export function guarded(guard: FloodGuard): LogHook {
  return function (args, method) {
    const [fields, text]: readonly unknown[] = args;
    if (typeof fields !== "object" || fields === null || !("code" in fields) || typeof fields.code !== "string") {
      return method.apply(this, args);
    }
    guard.take(fields.code, (lines) => {
      if (lines === 1) method.apply(this, args);
      else method.apply(this, [{ ...fields, lines }, String(text)]);
    });
  };
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
