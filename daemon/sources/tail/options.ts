import type { OffsetsByPartition } from "../../contract.ts";
import type { Proof } from "../../proof/proof.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Start } from "./position/first-start.ts";
import type { TailIntake } from "./intake.ts";
import type { Waker } from "./waker.ts";

export interface TailOptions {
  /** alerts.json; its archives are looked for next to it. */
  readonly path: string;
  /** Where the checkpoint is kept; must exist. */
  readonly stateDir: string;
  /** Where to begin when there is no checkpoint. */
  readonly start: Start;
  /** Milliseconds, at most 10,000, between checks of the file while it grows quickly, or changes are not reported. */
  readonly pollMs: number;
  /** Longer lines are delivered as damaged. */
  readonly maxLineBytes: number;
  readonly intake: TailIntake;
  readonly log: Log;
  /**
   * What to keep in the checkpoint for the sink's look-up; asked at each checkpoint.
   * @param front the checkpoint passes all lines with a lower number
   */
  readonly sinkOffsets: (front: number) => OffsetsByPartition;
  /** The names in which records were sent, kept next to the offsets; asked for at each checkpoint. */
  readonly nodes?: () => readonly string[];
  /**
   * Called each time the tail finds itself at the end of the log, also while nothing is written to it.
   * @param isWhole false while a damaged archive may become whole, and its rest be read
   */
  readonly onEnd?: (isWhole: boolean) => void;
  /** Called each time a file was read to its end and another one follows. */
  readonly onRotation?: () => void;
  /** Counts lines for manifests, and is saved with the position. Absent without them. */
  readonly proof?: Proof | undefined;
  /** When to look again, instead of `pollMs`. */
  readonly waker?: Waker;
  /** When to write the checkpoint, instead of once a second. */
  readonly saveWaker?: Waker;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
}
