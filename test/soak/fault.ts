import type { Stage } from "./stage.ts";

/** What a fault needs of the machine. */
export type Need = "root" | "firewall";

/** How far a promise reaches under a fault, where it is not whole. */
export interface Allowances {
  /** Records that may be sent twice. */
  readonly copies?: boolean;
  /** Recovery is measured and not judged, with the reason. */
  readonly slowRecovery?: string;
}

/** One way in which something breaks, as it is when it is over: `run` breaks it, lets time pass, and mends it. */
export interface Fault extends Allowances {
  readonly name: string;
  /** One sentence for the report. */
  readonly what: string;
  readonly needs?: readonly Need[];
  /** Not in mixtures: it takes too long there, or spoils what others need. */
  readonly isAlone?: boolean;
  /** Takes minutes: by its name only. */
  readonly isLong?: boolean;
  /** Ends when the fault does; recovery counts from there. @throws Error when something else than was to be seen */
  run(stage: Stage): Promise<void>;
}
