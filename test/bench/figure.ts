/** One number for each round; none where nothing could be measured, and then what is written instead. */
export interface Series {
  readonly samples: readonly number[];
  readonly missing?: string;
}

/** One line of the table: what was measured, what it is compared with, and the target. */
export interface Figure extends Series {
  readonly row: string;
  readonly what: string;
  readonly unit: string;
  /** What the forwarder is compared with, measured in the same rounds. */
  readonly beside: ({ readonly what: string } & Series) | undefined;
  /**
   * On the ratio of the medians, or on the median if there is nothing to compare with; undefined: reported, not judged.
   */
  readonly limit: { readonly kind: "at least" | "at most"; readonly value: number } | undefined;
}

/** What one program took for the alerts of a row. */
export interface ProgramRuns {
  readonly row: string;
  readonly program: string;
  /** Lines of the alerts' file a second, from the start of the process to the last record in the topic. */
  readonly rate: Series;
  /** Seconds of processor time for a million lines. */
  readonly processor: Series;
  /** Peak memory, MB. */
  readonly memory: Series;
}

/** A figure reduced to its medians, as it is printed and written to JSON. */
export interface Judged extends Figure {
  /** Undefined if nothing could be measured. */
  readonly median: number | undefined;
  readonly besideMedian: number | undefined;
  readonly ratio: number | undefined;
  /** Undefined if there is no limit, or a number is missing. */
  readonly isReached: boolean | undefined;
}

export function atLeast(value: number): Figure["limit"] {
  return { kind: "at least", value };
}

export function atMost(value: number): Figure["limit"] {
  return { kind: "at most", value };
}

export function judge(figure: Figure): Judged {
  const median = medianOf(figure);
  const besideMedian = figure.beside && medianOf(figure.beside);
  const ratio = median === undefined || besideMedian === undefined ? undefined : median / besideMedian;
  const judged = figure.beside === undefined ? median : ratio;
  return { ...figure, median, besideMedian, ratio, isReached: isReached(figure.limit, judged) };
}

/** Undefined if there are no samples. */
export function medianOf({ samples }: Series): number | undefined {
  return samples.length === 0 ? undefined : quantile(samples, 0.5);
}

function isReached(limit: Figure["limit"], value: number | undefined): boolean | undefined {
  if (limit === undefined || value === undefined) return undefined;
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
