import type { Figure } from "../figure.ts";

/** One row of the table, or two: what is measured in each round, and the figures that result from all rounds. */
export interface Row {
  /** Makes files and starts what the rounds need. */
  prepare(): Promise<void>;
  /**
   * Measures the forwarder once, and what it is compared with once.
   * @param isForwarderFirst changes from round to round, so that neither always gets the warmer machine
   */
  round(isForwarderFirst: boolean): Promise<void>;
  figures(): readonly Figure[];
  /** Ends what `prepare` started. */
  dispose(): Promise<void>;
}

/** Both measurements, in the order that was drawn. */
export async function bothWays(
  isForwarderFirst: boolean,
  forwarder: () => Promise<void>,
  beside: () => Promise<void>,
): Promise<void> {
  if (isForwarderFirst) await forwarder();
  await beside();
  if (!isForwarderFirst) await forwarder();
}
