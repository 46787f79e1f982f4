import { describe, DfnError, errnoOf } from "../../errors.ts";
import { look } from "./archives.ts";
import { measureBacklog, type Backlog } from "./backlog.ts";
import type { Loaded } from "./checkpoint-store.ts";
import { Feeder } from "./feeder.ts";
import type { Following, State } from "./follower-state.ts";
import type { Generation } from "./generation.ts";
import type { Journal } from "./journal.ts";
import { Placement } from "./placement.ts";
import { Stillness } from "./stillness.ts";
import { statusOf, type TailStatus } from "./status.ts";
import { Succession } from "./succession.ts";
import type { TailOptions } from "./options.ts";
import { explain, replayCommand, Trouble } from "./trouble.ts";

/** Longer than alerts.json is ever away while it is re-linked, and short enough to be told within two seconds. */
const patienceMs = 1000;

/** Follows the log over its generations, one step at a time. */
export class Follower {
  readonly #journal: Journal;
  readonly #options: TailOptions;
  readonly #succession: Succession;
  readonly #feeder: Feeder;
  readonly #trouble: Trouble;
  readonly #stillness = new Stillness();
  #state: State;
  #isAtEnd = false;
  #size: number | undefined;
  #backlog: Backlog = { bytes: 0, compressed: 0 };

  /** @param now milliseconds of a clock that only goes forward */
  constructor(journal: Journal, options: TailOptions, loaded: Loaded, now: () => number) {
    this.#journal = journal;
    this.#options = options;
    this.#succession = new Succession(options.path);
    this.#feeder = new Feeder(journal, options.intake, options.maxLineBytes);
    this.#trouble = new Trouble(options.log, now, patienceMs);
    const placement = new Placement(loaded, options.start, this.#succession, journal, options.log);
    this.#state = { kind: "placing", placement };
  }

  /** Whether the place to go on from is found; before that the journal knows less than the checkpoint. */
  get isPlaced(): boolean {
    return this.#state.kind !== "placing";
  }

  /** Whether the next step would find what the last one found: the end of alerts.json. */
  isStill(): boolean {
    return this.#stillness.holds(this.#options.path);
  }

  /** Goes on as far as there is something to read. Returns whether the next step should follow at once. */
  async step(signal: AbortSignal): Promise<boolean> {
    const state = this.#state;
    switch (state.kind) {
      case "placing":
        return this.#open(() => state.placement.place(signal), signal);
      case "between":
        return this.#open(() => this.#succession.next(this.#journal, signal), signal);
      case "following":
        return this.#follow(state, signal);
      case "ending":
        return this.#end(state.generation, signal);
      default:
        return state satisfies never;
    }
  }

  status(): TailStatus {
    const situation = {
      path: this.#options.path,
      reading: this.#journal.reading,
      trouble: this.#trouble.reason,
      isAtEnd: this.#isAtEnd,
      size: this.#size,
      backlog: this.#backlog,
      lastTimeMs: this.#journal.lastTimeMs,
    };
    return statusOf(situation, Date.now());
  }

  /** Finds out how much there is to read, for the status. */
  async measure(): Promise<void> {
    try {
      const state = this.#state;
      this.#size = this.#stillness.size ?? ("generation" in state ? await state.generation.size() : undefined);
      if (!this.#isAtEnd) this.#backlog = await measureBacklog(this.#succession, this.#journal);
    } catch {
      // Closed in this moment, or not readable: the numbers stay, and reading reports what is wrong.
    }
  }

  /** Between steps, and only when no other step is to follow. Safe twice. */
  async close(): Promise<void> {
    const state = this.#state;
    if (!("generation" in state)) return;
    this.#state = { kind: "between" };
    await state.generation.close();
  }

  async #open(find: () => Promise<Generation | undefined>, signal: AbortSignal): Promise<boolean> {
    const { path, log } = this.#options;
    let generation;
    try {
      generation = await find();
    } catch (reason) {
      return this.#report(reason, path);
    }
    if (signal.aborted) {
      // The place may be half-way, in the middle of a line.
      await generation?.close();
      return false;
    }
    if (generation) {
      // The size of the file before it says nothing of this one; undefined until it is measured, if it cannot be asked.
      this.#size = await generation.size().catch(() => undefined);
      this.#begin(generation);
      this.#state = { kind: "following", generation, wasLive: false };
      this.#trouble.clear(`${generation.origin.file} can be read again.`);
      log.info({ file: generation.origin.file, offset: generation.offset }, "reading alerts");
      return true;
    }
    if (this.#state.kind === "placing") {
      this.#state = { kind: "between" };
      return true;
    }
    this.#trouble.raise(await explain(path, Object.assign(new Error("not there"), { code: "ENOENT" })));
    return false;
  }

  async #follow(state: Following, signal: AbortSignal): Promise<boolean> {
    const { generation } = state;
    const { file } = generation.origin;
    this.#isAtEnd = false;
    this.#stillness.forget();
    const pause = await this.#feeder.feed(generation, signal);
    switch (pause.kind) {
      case "stopped":
        return false;
      case "failed":
        return this.#report(pause.reason, file);
      case "replaced":
        return this.#startAgain(generation);
      case "broken": {
        const offset = this.#feeder.lineStart;
        this.#options.log.error(
          `${file} cannot be decompressed beyond byte ${generation.offset} of its content: ${describe(pause.reason)}. ` +
            `What came out was read; the rest is lost unless an intact copy is put there and sent: ` +
            replayCommand(file, offset),
        );
        return this.#finish(generation, signal);
      }
      case "end":
        if (pause.ignoredBytes !== undefined && pause.ignoredBytes > 0) {
          this.#options.log.warn(
            `${file} is whole, but ${pause.ignoredBytes} bytes behind its compressed data are not gzip: they were ` +
              `left out, as gzip(1) leaves them out.`,
          );
        }
        return generation.isCompressed ? this.#finish(generation, signal) : this.#lookAtPath(state);
      default:
        return pause satisfies never;
    }
  }

  /** At the end of a plain file: more may come, unless it is over. */
  async #lookAtPath(state: Following): Promise<boolean> {
    const { path, onEnd } = this.#options;
    try {
      const found = await look(path);
      if (found?.id === state.generation.origin.id) {
        state.wasLive = this.#isAtEnd = true;
        this.#backlog = { bytes: 0, compressed: 0 };
        this.#journal.caughtUp();
        this.#trouble.clear(`${path} is there again.`);
        this.#stillness.take(found, state.generation.offset);
        onEnd?.();
        return false;
      }
      const hasLater = (await this.#succession.archives.after(this.#journal.newestRank)).length > 0;
      if (!found && (state.wasLive || !hasLater)) {
        this.#trouble.raise(
          `${path} is not there. The file that was read last is still followed; alerts that go elsewhere are read as ` +
            `soon as ${path} is back. Is the manager running?`,
        );
        return false;
      }
      // An empty file without dated name is none of analysisd's, or one it is about to replace.
      if (found?.size === 0 && !hasLater) {
        this.#isAtEnd = true;
        return false;
      }
    } catch (reason) {
      return this.#report(reason, path);
    }
    this.#state = { kind: "ending", generation: state.generation };
    return true;
  }

  async #end(generation: Generation, signal: AbortSignal): Promise<boolean> {
    const pause = await this.#feeder.feed(generation, signal);
    if (pause.kind === "stopped") return false;
    if (pause.kind === "failed") return this.#report(pause.reason, generation.origin.file);
    // Replaced after it was over: what stands there now is not the log any more.
    if (pause.kind === "replaced") this.#feeder.reset(this.#journal.reading?.offset ?? 0);
    return this.#finish(generation, signal);
  }

  async #finish(generation: Generation, signal: AbortSignal): Promise<boolean> {
    await this.#feeder.feedRest(signal);
    if (signal.aborted) return false;
    this.#journal.finish();
    this.#state = { kind: "between" };
    this.#options.log.info({ file: generation.origin.file, bytes: generation.offset }, "read to the end");
    await generation.close();
    return true;
  }

  async #startAgain(generation: Generation): Promise<boolean> {
    this.#options.log.error(
      `${generation.origin.file} was truncated or overwritten while it was read. It is read again from its beginning; what had been ` +
        `written beyond byte ${this.#journal.reading?.offset ?? 0} by then, if anything, is lost.`,
    );
    await generation.restart();
    this.#begin(generation);
    return true;
  }

  #begin(generation: Generation): void {
    this.#journal.begin(generation.origin, generation.offset);
    this.#feeder.reset(generation.offset);
  }

  /** What the system refuses is said and tried again; anything else is a fault of the program and ends it. */
  async #report(reason: unknown, path: string): Promise<false> {
    if (errnoOf(reason) === undefined && !(reason instanceof DfnError)) throw reason;
    this.#trouble.raise(await explain(path, reason));
    return false;
  }
}
