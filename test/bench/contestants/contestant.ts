import type { Program } from "../../rig/program.ts";
import type { AlertSet, Sends } from "../alert-set.ts";
import type { Stage } from "../stage.ts";

/** A program that brings the alerts of a file to a topic. */
export interface Contestant {
  /** As in the tables; unlike the others in its row. */
  readonly name: string;
  readonly sends: Sends;
  /** Whether it is a forwarder: one that fails ends the measurement, while of the others the rest goes on. */
  readonly isForwarder: boolean;
  /** Gets what it needs. @returns false when it cannot be had here; standard error says why */
  prepare(stage: Stage): boolean;
  /** Writes its settings. @returns what starts it; it runs until it is stopped, also when everything is sent */
  ready(stage: Stage, set: AlertSet, topic: string): Promise<() => Program>;
}
