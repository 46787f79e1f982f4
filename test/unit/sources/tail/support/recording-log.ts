import { pino } from "pino";
import type { Log } from "../../../../../daemon/telemetry/log.ts";

/** A log that keeps its messages as `level: text`. */
export class RecordingLog {
  readonly lines: string[] = [];
  readonly log: Log = pino(
    { level: "debug", base: null, timestamp: false, formatters: { level: (label) => ({ level: label }) } },
    { write: (line) => this.lines.push(line.replace(/^\{"level":"(\w+)".*"msg":"/, "$1: ")) },
  );

  /** Messages of a level that match. */
  find(level: string, pattern: RegExp): string[] {
    return this.lines.filter((line) => line.startsWith(`${level}: `) && pattern.test(line));
  }
}
