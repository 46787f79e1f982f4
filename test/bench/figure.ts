/** One line of the table: what was measured, what it is compared with, and the target. */
export interface Figure {
  readonly row: string;
  readonly what: string;
  readonly unit: string;
  /** One number for each round. */
  readonly samples: readonly number[];
  /** What the forwarder is compared with, measured in the same rounds, or a fixed number. */
  readonly beside: { readonly what: string; readonly samples: readonly number[] } | undefined;
  /**
   * On the ratio of the medians, or on the median if there is nothing to compare with; undefined: reported, not judged.
   */
  readonly limit: { readonly kind: "at least" | "at most"; readonly value: number } | undefined;
}

/** A figure reduced to its medians, as it is printed and written to JSON. */
export interface Judged extends Figure {
  readonly median: number;
  readonly besideMedian: number | undefined;
  readonly ratio: number | undefined;
  /** Undefined if there is no limit. */
  readonly isReached: boolean | undefined;
}

export function judge(figure: Figure): Judged {
  const median = quantile(figure.samples, 0.5);
  const besideMedian = figure.beside === undefined ? undefined : quantile(figure.beside.samples, 0.5);
  const ratio = besideMedian === undefined ? undefined : median / besideMedian;
  return { ...figure, median, besideMedian, ratio, isReached: isReached(figure.limit, ratio ?? median) };
}

function isReached(limit: Figure["limit"], value: number): boolean | undefined {
  if (limit === undefined) return undefined;
  return limit.kind === "at least" ? value >= limit.value : value <= limit.value;
}

/**
 * The value below which a share of the samples lies, by linear interpolation between neighbours.
 * @param share 0 to 1; 0.5 is the median
 */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  if (low === undefined || high === undefined) throw new Error("no samples, so no quantile");
  return low + (high - low) * (at - Math.floor(at));
}

/** A table for people: one line for each figure, columns aligned. */
export function tableOf(figures: readonly Judged[]): string {
  const heading = ["", "what", "median", "min - max", "beside", "median", "ratio", "to reach", ""];
  const lines = figures.map(cellsOf);
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...lines.map((cells) => cells[column]?.length ?? 0)),
  );
  return [heading, widths.map((width) => "-".repeat(width)), ...lines]
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function cellsOf(figure: Judged): string[] {
  const { row, what, unit, median, samples, beside, besideMedian, ratio, limit } = figure;
  return [
    row,
    what,
    `${short(median)} ${unit}`,
    `${short(Math.min(...samples))} - ${short(Math.max(...samples))}`,
    beside?.what ?? "",
    besideMedian === undefined ? "" : `${short(besideMedian)} ${unit}`,
    ratio === undefined ? "" : ratio.toFixed(2),
    limit === undefined ? "" : `${limit.kind} ${limit.value}`,
    figure.isReached === undefined ? "" : figure.isReached ? "reached" : "MISSED",
  ];
}

/** Three significant digits are all that a run on a shared machine is worth. */
function short(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}
