/** analysisd writes the timestamp first into each alert (Wazuh 4.14 source: src/analysisd/format/to_json.c:45). */
const pattern = /^\{"timestamp":"([^"\\]{10,40})"/;

/** The `timestamp` at the beginning of an alert, as written; undefined if there is none. */
export function timestampOf(line: Buffer): string | undefined {
  return pattern.exec(line.toString("latin1", 0, 64))?.[1];
}

/** Milliseconds since 1970 of a `timestamp` such as `2026-11-21T11:24:00.123+0100`; undefined for any other text. */
export function parseTimestamp(timestamp: string | undefined): number | undefined {
  const time = timestamp === undefined ? Number.NaN : Date.parse(timestamp);
  return Number.isNaN(time) ? undefined : time;
}
