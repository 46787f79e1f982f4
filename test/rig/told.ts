import type { Passing } from "../../daemon/sources/tail/position/ledger.ts";

/** Is told that the position has passed a line, and passes it on for each line that was joined to it. */
export class Told implements Passing {
  #passed: readonly (() => void)[];

  constructor(passed: () => void) {
    this.#passed = [passed];
  }

  passed(): void {
    for (const each of this.#passed) each();
  }

  join(later: Told): void {
    this.#passed = [...this.#passed, ...later.#passed];
  }
}
