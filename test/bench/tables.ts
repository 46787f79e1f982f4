/** The figures as tables in Markdown, in the form that docs/bench.md has them in. */
import { type Judged, medianOf, type ProgramRuns, type Series } from "./figure.ts";

export function figuresTable(figures: readonly Judged[]): string {
  const heading = ["row", "what", "median", "compared with", "median", "ratio", "to reach", ""];
  return table(heading, figures.map(figureCells));
}

/** Each program by itself: medians, and in brackets the least and the most. */
export function programsTable(programs: readonly ProgramRuns[]): string {
  const heading = ["row", "program", "lines/s", "processor, s a million lines", "peak memory, MB"];
  return table(
    heading,
    programs.map(({ row, program, rate, processor, memory }) => [
      row,
      program,
      ...[rate, processor, memory].map(spread),
    ]),
  );
}

function figureCells({ row, what, unit, beside, ratio, limit, isReached, ...figure }: Judged): string[] {
  const median = (series: Series): string => {
    const value = medianOf(series);
    return value === undefined ? (series.missing ?? "") : `${short(value)} ${unit}`;
  };
  return [
    row,
    what,
    median(figure),
    beside?.what ?? "",
    beside === undefined ? "" : median(beside),
    ratio?.toFixed(2) ?? "",
    limit === undefined ? "" : `${limit.kind} ${limit.value}`,
    limit === undefined ? "" : isReached === undefined ? "not measured" : isReached ? "reached" : "**missed**",
  ];
}

function spread(series: Series): string {
  const median = medianOf(series);
  if (median === undefined) return series.missing ?? "";
  return `${short(median)} (${short(Math.min(...series.samples))} to ${short(Math.max(...series.samples))})`;
}

/** Columns are aligned as prettier aligns them. */
function table(heading: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = heading.map((title, column) =>
    Math.max(3, title.length, ...lines.map((cells) => cells[column]?.length ?? 0)),
  );
  const rule = widths.map((width) => "-".repeat(width));
  return [heading, rule, ...lines]
    .map((cells) => `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |\n`)
    .join("");
}

/** Three significant digits are all that a run on a shared machine is worth. */
function short(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}
