import { pino, type Logger } from "pino";
import pretty from "pino-pretty";

/**
 * The log. Levels by consequence for the administrator: info = what you asked for happened; warn = odd, nothing lost;
 * error = act now. Never log an alert's text, a secret, or one line per alert.
 */
export type Log = Pick<Logger, "debug" | "info" | "warn" | "error">;

export type LogLevel = "debug" | "info" | "warn" | "error";

/** JSON lines on standard error, or readable text when standard error is a terminal. */
export function createLog(level: LogLevel): Log {
  const options = {
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (process.stderr.isTTY) {
    return pino(options, pretty({ destination: 2, sync: true, ignore: "pid,hostname", colorize: true }));
  }
  return pino(options, pino.destination({ dest: 2, sync: true }));
}

/** A log that drops everything: for commands whose output is their data, and for tests. */
export const silentLog: Log = pino({ level: "silent" });
