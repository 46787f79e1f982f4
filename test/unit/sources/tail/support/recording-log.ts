import { pino } from "pino";
import type { Log } from "../../../../../daemon/telemetry/log.ts";

/** A log that keeps its messages as `level: text`. */
export class RecordingLog {
  readonly lines: string[] = [];
  /** Called for each line, before the tail continues. */
  heard: (line: string) => void = () => undefined;
  readonly log: Log = pino(
    { level: "debug", base: null, timestamp: false, formatters: { level: (label) => ({ level: label }) } },
    { write: (line) => this.#take(line.replace(/^\{"level":"(\w+)".*"msg":"/, "$1: ")) },
  );

  #take(line: string): void {
    this.lines.push(line);
    this.heard(line);
  }

  /** Messages of a level that match. */
  find(level: string, pattern: RegExp): string[] {
    return this.lines.filter((line) => line.startsWith(`${level}: `) && pattern.test(line));
  }
}
