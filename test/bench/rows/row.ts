import type { Figure, ProgramRuns } from "../figure.ts";

/** One row of the table, or several: what is measured in each round, and the figures that result from all rounds. */
export interface Row {
  /** Makes files and starts what the rounds need. */
  prepare(): Promise<void>;
  /**
   * Measures the forwarder once, and what it is compared with once.
   * @param index of the round, from 0; who is first depends on it, so that none always gets the warmer machine
   */
  round(index: number): Promise<void>;
  figures(): readonly Figure[];
  /** The measures of each program by itself; absent where the figures say it all. */
  programs?(): readonly ProgramRuns[];
  /** Ends what `prepare` started. */
  dispose(): Promise<void>;
}

/** Both measurements, in the order of this round. */
export async function bothWays(
  index: number,
  forwarder: () => Promise<void>,
  beside: () => Promise<void>,
): Promise<void> {
  const isForwarderFirst = index % 2 === 0;
  if (isForwarderFirst) await forwarder();
  await beside();
  if (!isForwarderFirst) await forwarder();
}
