/**
 * Names of archived log files. analysisd writes to `YYYY/Mon/ossec-alerts-DD.json`, then to `-001`, `-002`, ... of
 * that day (Wazuh 4.14 source: src/analysisd/alerts/getloglocation.c:113-137); monitord makes `.json.gz` of them.
 */
export interface DatedName {
  /** Relative to the alerts directory, without suffix: `2026/Nov/ossec-alerts-21-001`. */
  readonly stem: string;
  /** Orders log files: by date, then by part number. Positive. */
  readonly rank: number;
}

/** English whatever the locale (Wazuh 4.14 source: src/analysisd/cleanevent.c:20). */
export const months: readonly string[] = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** Ranks of one day: more than it has seconds. */
export const partsPerDay = 100_000;

const filePattern = /^ossec-alerts-(\d{2})(?:-(\d{3,5}))?\.json(\.gz)?$/;

/** The name of a file in the directory of a month, or undefined if it is not an archived log file. */
export function parseFileName(
  year: string,
  month: string,
  file: string,
): { readonly name: DatedName; readonly compressed: boolean } | undefined {
  const match = filePattern.exec(file);
  const monthIndex = months.indexOf(month);
  if (!match || monthIndex < 0) return undefined;
  const [, day = "", part, gz] = match;
  return {
    name: {
      stem: `${year}/${month}/ossec-alerts-${day}${part === undefined ? "" : `-${part}`}`,
      rank: rankOfDay(Number(year), monthIndex, Number(day)) + Number(part ?? 0),
    },
    compressed: gz !== undefined,
  };
}

/** The name for a stem as stored in a checkpoint, or undefined if it is not one. */
export function parseStem(stem: string): DatedName | undefined {
  const [year = "", month = "", base = ""] = stem.split("/");
  const name = /^\d{4}$/.test(year) ? parseFileName(year, month, `${base}.json`)?.name : undefined;
  return name?.stem === stem ? name : undefined;
}

/** Rank of the first part of a day; every part of earlier days ranks lower. Month from 0. */
export function rankOfDay(year: number, month: number, day: number): number {
  return ((year * 12 + month) * 32 + day) * partsPerDay;
}
