import type { Config } from "../config/schema.ts";
import { Trial } from "../explain/trial.ts";
import { topicsOf } from "../handlers/registry.ts";
import { mayBeTorn } from "../alert/salvage.ts";
import type { LineFilter } from "../sources/tail/log/line-splitter.ts";

/**
 * Which settings decide what must be in the sink. The one place where that is chosen: today's, for every line. What is kept of
 * former settings would be looked up here, by the place of a line.
 */
export class SettingsOfTime {
  /** Of all settings together. */
  readonly handlers: readonly string[];
  readonly topics: readonly string[];
  readonly #today: Trial;

  /** @throws DfnError CONFIG as `createHandlers` */
  constructor(config: Config, maxLineBytes: number) {
    this.#today = new Trial(config, maxLineBytes);
    this.handlers = this.#today.handlers.map(({ name }) => name);
    this.topics = topicsOf(this.#today.handlers);
  }

  /** Names the lines that must be looked at with any of the settings. */
  get filter(): LineFilter {
    const { relevance } = this.#today.judge;
    return { next: (bytes, from, end) => relevance.next(bytes, from, end), ignored: () => undefined, mayBeTorn };
  }

  /** What holds for the line at a place. */
  at(_file: string, _offset: number): Trial {
    return this.#today;
  }
}
