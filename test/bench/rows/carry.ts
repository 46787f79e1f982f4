import { describe } from "../../../daemon/errors.ts";
import type { SetOptions } from "../alert-set.ts";
import { carry, type Run } from "../carry.ts";
import type { Contestant } from "../contestants/contestant.ts";
import type { ForwarderContestant } from "../contestants/forwarder.ts";
import type { Figure, ProgramRuns, Series } from "../figure.ts";
import type { Stage } from "../stage.ts";
import type { Row } from "./row.ts";

/** What is measured of each program. */
type Measure = "rate" | "processor" | "memory";

/** A figure of the table: a measure of one program, by itself or next to that of another one. */
export interface Comparison {
  readonly what: string;
  readonly measure: Measure;
  readonly own: Contestant;
  readonly beside?: Contestant;
  readonly limit: Figure["limit"];
}

export interface CarryOptions {
  readonly row: string;
  readonly set: SetOptions;
  /** The forwarder that the other build, if there is one, is measured next to. */
  readonly main: ForwarderContestant;
  readonly others: readonly Contestant[];
  readonly comparisons: readonly Comparison[];
}

const units: Readonly<Record<Measure, string>> = { rate: "lines/s", processor: "s/M lines", memory: "MB" };

/** Rows c, d, e, i, j and k: programs that bring the same alerts from a file to Kafka, each from its start as a process. */
export class CarryRow implements Row {
  readonly #stage: Stage;
  readonly #row: string;
  readonly #set: SetOptions;
  readonly #contestants: readonly Contestant[];
  readonly #comparisons: readonly Comparison[];
  readonly #runs = new Map<Contestant, Run[]>();
  /** Those without figures, and what is written instead. */
  readonly #missing = new Map<Contestant, string>();

  constructor(stage: Stage, { row, set, main, others, comparisons }: CarryOptions) {
    this.#stage = stage;
    this.#row = row;
    this.#set = set;
    const other = stage.hasOtherBuild ? [main.ofOtherBuild()] : [];
    this.#contestants = [main, ...other, ...others];
    const beside = other.flatMap((beside): Comparison[] => [
      { what: "our build", measure: "rate", own: main, beside, limit: undefined },
      { what: "our build, processor time", measure: "processor", own: main, beside, limit: undefined },
    ]);
    this.#comparisons = [...comparisons, ...beside];
  }

  async prepare(): Promise<void> {
    this.#stage.alerts(this.#set);
    await this.#stage.kafka();
    for (const contestant of this.#contestants) {
      if (contestant.prepare(this.#stage)) this.#runs.set(contestant, []);
      else this.#missing.set(contestant, "not installed");
    }
  }

  /** Another one begins in each round. */
  async round(index: number): Promise<void> {
    const all = [...this.#runs];
    const first = index % Math.max(all.length, 1);
    for (const [contestant, runs] of [...all.slice(first), ...all.slice(0, first)]) {
      try {
        runs.push(await carry(this.#stage, contestant, this.#stage.alerts(this.#set)));
      } catch (reason) {
        if (contestant.isForwarder) throw reason;
        process.stderr.write(`${describe(reason)}\n`);
        process.exitCode = 1;
        this.#runs.delete(contestant);
        this.#missing.set(contestant, "failed");
      }
    }
  }

  figures(): readonly Figure[] {
    return this.#comparisons.map(({ what, measure, own, beside, limit }) => ({
      row: this.#row,
      what,
      unit: units[measure],
      ...this.#series(own, measure),
      beside: beside && { what: beside.name, ...this.#series(beside, measure) },
      limit,
    }));
  }

  programs(): readonly ProgramRuns[] {
    return this.#contestants.map((contestant) => ({
      row: this.#row,
      program: contestant.name,
      rate: this.#series(contestant, "rate"),
      processor: this.#series(contestant, "processor"),
      memory: this.#series(contestant, "memory"),
    }));
  }

  async dispose(): Promise<void> {
    // Nothing but files, which are removed with the stage.
  }

  #series(contestant: Contestant, measure: Measure): Series {
    const runs = this.#runs.get(contestant) ?? [];
    const missing = this.#missing.get(contestant);
    const samples = runs.map((run) => this.#sample(run, measure));
    return missing === undefined ? { samples } : { samples, missing };
  }

  #sample({ seconds, processorSeconds, peakBytes }: Run, measure: Measure): number {
    const { lines } = this.#stage.alerts(this.#set);
    if (measure === "rate") return lines / seconds;
    return measure === "processor" ? (processorSeconds / lines) * 1e6 : peakBytes / 1e6;
  }
}
