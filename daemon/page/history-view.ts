/** The points of a curve, the oldest first; null where nothing is known. */
type CurvePoints = readonly (number | null)[];

/** The body of `/history`: all curves have as many points, at most those of an hour. */
export interface HistoryView {
  /** Between two points. */
  readonly everySeconds: number;
  /** When the newest point ended, in milliseconds since 1970; absent before the first. */
  readonly endedAt?: number | undefined;
  readonly curves: {
    readonly readPerSecond: CurvePoints;
    readonly relevantPerSecond: CurvePoints;
    readonly acknowledgedPerSecond: CurvePoints;
    readonly deadLetteredPerSecond: CurvePoints;
    readonly lagSeconds: CurvePoints;
    readonly lagBytes: CurvePoints;
    readonly queueBytes: CurvePoints;
    readonly memoryBytes: CurvePoints;
  };
}
