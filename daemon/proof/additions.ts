import { describe } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";
import { type Addition, AdditionFiles } from "./addition-files.ts";

/** More than this in one manifest are left for the next one. */
const maxAtOnce = 100;

/** What a manifest has said of an addition. */
type Said = "begun" | "closed";

/** The additions that manifests have to announce: each when it begins, and once more with its sums. */
export class Additions {
  readonly #files: AdditionFiles;
  readonly #log: Log;
  #present: readonly Addition[] = [];
  readonly #said = new Map<string, Said>();
  readonly #unusable = new Set<string>();
  #scanning: Promise<void> | undefined;

  constructor(stateDir: string, log: Log) {
    this.#files = new AdditionFiles(stateDir);
    this.#log = log;
  }

  /** Those of which the other side does not know the end. */
  get open(): readonly string[] {
    return [...this.#said].filter(([, said]) => said === "begun").map(([id]) => id);
  }

  /** Those that were closed and whose files may still be there. */
  get closed(): readonly string[] {
    return [...this.#said].filter(([, said]) => said === "closed").map(([id]) => id);
  }

  restore(open: readonly string[], closed: readonly string[]): void {
    for (const id of open) this.#said.set(id, "begun");
    for (const id of closed) this.#said.set(id, "closed");
  }

  /** Looks what is there; one look at a time. */
  scan(): Promise<void> {
    this.#scanning ??= this.#scan().finally(() => (this.#scanning = undefined));
    return this.#scanning;
  }

  /** What the next manifest has to announce. */
  get due(): readonly Addition[] {
    return this.#present
      .filter(({ id, records }) => {
        const said = this.#said.get(id);
        return said === undefined || (said === "begun" && records !== null);
      })
      .slice(0, maxAtOnce);
  }

  /** A manifest has these. */
  cut(additions: readonly Addition[]): void {
    for (const { id, records } of additions) this.#said.set(id, records === null ? "begun" : "closed");
  }

  /** The manifest with these is on disk: whoever sends may begin, and what is closed is over. */
  async stored(additions: readonly Addition[]): Promise<void> {
    for (const { id, records } of additions) {
      try {
        if (records === null) await this.#files.announce(id);
        else await this.#remove(id);
      } catch (reason) {
        const what = "the file of an addition in the state directory cannot be changed";
        this.#log.warn({ code: "addition-file-not-changed", id, reason: describe(reason) }, what);
      }
    }
  }

  async #remove(id: string): Promise<void> {
    await this.#files.remove(id);
    this.#present = this.#present.filter((one) => one.id !== id);
    this.#said.delete(id);
  }

  async #scan(): Promise<void> {
    try {
      this.#present = await this.#files.read((path, reason) => {
        if (this.#unusable.has(path)) return;
        this.#unusable.add(path);
        this.#log.warn({ code: "addition-unusable", path, reason }, "a file in the state directory is not an addition");
      });
      // Closed by a manifest that was on disk when an earlier process ended.
      for (const { id } of this.#present) if (this.#said.get(id) === "closed") await this.#remove(id);
    } catch (reason) {
      const what = "what is sent again cannot be looked up in the state directory; the other side will ask about it";
      this.#log.warn({ code: "additions-unreadable", reason: describe(reason) }, what);
    }
  }
}
