import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Config } from "../config/schema.ts";
import { LineAccount } from "../proof/account.ts";
import { type Addition, AdditionFiles } from "../proof/addition-files.ts";

/** Digests of this many records are held at a time. */
const manyRecords = 200_000;
const lookEveryMs = 1000;
/** How long to wait for a running forwarder to announce what is sent again. */
const announcedMs = 5000;
const askEveryMs = 100;

/**
 * What a replay sends again, as the other side is told: an addition is announced before its first record, and closed with its
 * sums. It is files in the state directory; the forwarder publishes them, now or when it runs again.
 */
export class Resending implements AsyncDisposable {
  readonly #files: AdditionFiles;
  readonly #reason: Addition["reason"];
  #addition: Addition;
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<void> = Promise.resolve();

  /** For `createCore`: counts what is sent. */
  readonly account = new LineAccount(() => true);

  private constructor(stateDir: string, reason: Addition["reason"]) {
    this.#files = new AdditionFiles(stateDir);
    this.#reason = reason;
    this.#addition = this.#begun();
  }

  /**
   * @returns undefined if the settings have no manifests
   * @throws a system error if the state directory cannot be written
   */
  static async begin({ manifest, stateDir }: Config, reason: Addition["reason"]): Promise<Resending | undefined> {
    if (manifest === undefined) return undefined;
    const resending = new Resending(stateDir, reason);
    await resending.#files.write(resending.#addition);
    await resending.#announced();
    resending.#timer = setInterval(() => {
      if (resending.account.unlinedCount >= manyRecords)
        resending.#last = resending.#last.then(() => resending.#close(true));
    }, lookEveryMs);
    return resending;
  }

  /** What was sent is closed with its sums. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#last;
    await this.#close(false);
  }

  /** @param goesOn another one begins first, so that no record comes when none is open */
  async #close(goesOn: boolean): Promise<void> {
    const closing = this.#addition;
    if (goesOn) {
      this.#addition = this.#begun();
      await this.#files.write(this.#addition);
    }
    const { unlined } = this.account.content;
    this.account.cut(undefined);
    await this.#files.write({ ...closing, records: unlined });
  }

  #begun(): Addition {
    return { id: randomUUID(), reason: this.#reason, begun: new Date().toISOString(), records: null };
  }

  /** A forwarder that runs and publishes announces it within some seconds; without one nobody has to wait. */
  async #announced(): Promise<void> {
    const until = performance.now() + announcedMs;
    while (performance.now() < until && !(await this.#files.isAnnounced(this.#addition.id))) await pause(askEveryMs);
  }
}
