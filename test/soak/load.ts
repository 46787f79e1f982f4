import type { Kind } from "./alerts.ts";
import type { Environment } from "./environment.ts";

const tickMs = 10;
/** After a pause of this process, at most this much is made up for at once. */
const longestTickMs = 500;
/** One alert in this many is of this kind. */
const oddEvery = 150;
const longEvery = 3000;

/** What writes them. */
type Writer = Pick<Environment, "analysisd" | "random" | "between" | "write">;

/** The alerts that come all the time, whatever else happens. */
export class Load implements Disposable {
  /** Alerts a second; 0: none. */
  perSecond = 0;
  readonly #writer: Writer;
  readonly #timer: NodeJS.Timeout;
  #lastMs = performance.now();
  #due = 0;

  constructor(writer: Writer) {
    this.#writer = writer;
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
      if (kind === "plain") this.#writer.analysisd.emit(1);
      else this.#writer.write(true, kind);
    }
  }

  #kind(): Kind {
    const chance = this.#writer.random();
    if (chance < 1 / longEvery) return { longBytes: this.#writer.between(60_000, 150_000) };
    return chance < 1 / oddEvery ? "odd" : "plain";
  }
}
