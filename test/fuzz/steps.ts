import { Session } from "node:inspector";

interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[];
  }[];
}

/** Compiled, so that neither tests nor rig are counted. */
const product = /\/build[^/]*\/(daemon|integration)\//;

/**
 * Counts steps instead of time: how often the blocks of the product's code are run. The same on any machine, whatever
 * its load. To be created before any of the code is run for the first time: V8 puts its counters in when it compiles.
 */
export class StepCounter implements Disposable {
  readonly #session = new Session();

  constructor() {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** Steps that `work` takes; what it throws is not judged here. */
  count(work: () => unknown): number {
    this.#take();
    try {
      work();
    } catch {
      // A refusal takes steps like anything else.
    }
    return this.#take();
  }

  [Symbol.dispose](): void {
    this.#session.disconnect();
  }

  /** Steps since the last call; the session answers before `post` returns. */
  #take(): number {
    let steps = 0;
    this.#session.post("Profiler.takePreciseCoverage", (error: Error | null, coverage?: Coverage) => {
      if (error !== null) throw error;
      for (const { url, functions } of coverage?.result ?? []) {
        if (!product.test(url)) continue;
        for (const { ranges } of functions) for (const { count } of ranges) steps += count;
      }
    });
    return steps;
  }
}
