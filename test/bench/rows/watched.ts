import { atMost, type Figure } from "../figure.ts";
import type { Stage } from "../stage.ts";
import { unwatched, watched, watchedOptions } from "./carry-rows.ts";
import { CarryRow } from "./carry.ts";

/** Row j: what it costs to be looked at, and how long whoever looks has to wait. */
export class WatchedRow extends CarryRow {
  constructor(stage: Stage) {
    super(stage, watchedOptions());
  }

  override figures(): readonly Figure[] {
    const memoryOf = (name: string): readonly number[] =>
      this.programs().find(({ program }) => program === name)?.memory.samples ?? [];
    const without = memoryOf(unwatched.name);
    const more = memoryOf(watched.name).flatMap((bytes, round) => bytes - (without[round] ?? Number.NaN));
    const own = { row: "j", beside: undefined };
    return [
      ...super.figures(),
      { ...own, what: "the same, more memory at the peak", unit: "MB", samples: more, limit: atMost(10) },
      {
        ...own,
        what: "the same, the slowest answer to /metrics or /status",
        unit: "ms",
        samples: watched.slowestAnswersMs,
        limit: atMost(50),
      },
    ];
  }
}
