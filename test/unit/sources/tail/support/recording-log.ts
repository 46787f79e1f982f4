import { silentLog, type Log } from "../../../../../daemon/telemetry/log.ts";

/** A log that keeps its messages as `level: text`. */
export class RecordingLog {
  readonly lines: string[] = [];

  get log(): Log {
    const keep =
      (level: string) =>
      (...parts: unknown[]): void => {
        this.lines.push(`${level}: ${parts.filter((part) => typeof part === "string").join(" ")}`);
      };
    return Object.assign(Object.create(silentLog) as Log, {
      debug: keep("debug"),
      info: keep("info"),
      warn: keep("warn"),
      error: keep("error"),
    });
  }

  /** Messages of a level that match. */
  find(level: string, pattern: RegExp): string[] {
    return this.lines.filter((line) => line.startsWith(`${level}: `) && pattern.test(line));
  }
}
