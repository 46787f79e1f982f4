import type { Passing } from "../../daemon/sources/tail/position/ledger.ts";

/** Calls a function when the position has passed a line, and for each line that was joined to it. */
export class PassingCallback implements Passing {
  #passed: readonly (() => void)[];

  constructor(passed: () => void) {
    this.#passed = [passed];
  }

  passed(): void {
    for (const each of this.#passed) each();
  }

  join(later: PassingCallback): void {
    this.#passed = [...this.#passed, ...later.#passed];
  }
}
