import type { Kind } from "./alerts.ts";
import type { Stage } from "./stage.ts";

const tickMs = 10;
/** After a pause of this process, no more than so much is made up for at once. */
const longestTickMs = 500;
/** One in so many alerts is of this kind. */
const oddEvery = 150;
const longEvery = 3000;

/** The alerts that come all the time, whatever else happens. */
export class Load implements Disposable {
  /** Alerts a second; 0: none. */
  perSecond = 0;
  readonly #stage: Stage;
  readonly #timer: NodeJS.Timeout;
  #lastMs = performance.now();
  #due = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    this.#due += (Math.min(now - this.#lastMs, longestTickMs) / 1000) * this.perSecond;
    this.#lastMs = now;
    for (; this.#due >= 1; this.#due--) {
      const kind = this.#kind();
      if (kind === "plain") this.#stage.analysisd.emit(1);
      else this.#stage.write(true, kind);
    }
  }

  #kind(): Kind {
    const chance = this.#stage.random();
    if (chance < 1 / longEvery) return { longBytes: this.#stage.between(60_000, 150_000) };
    return chance < 1 / oddEvery ? "odd" : "plain";
  }
}
