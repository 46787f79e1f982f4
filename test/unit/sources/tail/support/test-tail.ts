import type { Owner, SourceLocation } from "../../../../../daemon/contract.ts";
import type { TailIntake } from "../../../../../daemon/sources/tail/intake.ts";
import type { TailOptions } from "../../../../../daemon/sources/tail/options.ts";
import { Tail } from "../../../../../daemon/sources/tail/tail.ts";
import type { LogTree } from "./log-tree.ts";
import { ManualWaker } from "./manual-waker.ts";
import { RecordingLog } from "./recording-log.ts";

/** What was passed to the intake. */
export interface Taken {
  readonly text: string;
  readonly place: SourceLocation;
  /** `line`, or why it is damaged. */
  readonly kind: string;
  readonly line: number;
  isSettled: boolean;
  isPassed: boolean;
  settle(): void;
}

/** An intake that keeps what it gets. Lines that contain `quiet` are irrelevant. */
export class KeepingIntake implements TailIntake {
  readonly taken: Taken[] = [];
  ignoredLines = 0;
  /** Whether each line is settled as it is taken. */
  settlesAtOnce = true;
  /** Whether the tail waits for room. */
  isWaitedFor = false;
  #gate: Promise<void> | undefined;
  #open: () => void = () => undefined;
  #waiting: (() => void)[] = [];

  get texts(): string[] {
    return this.taken.map(({ text }) => text);
  }

  /** No room from now on, until `empty`. */
  fill(): void {
    this.#gate ??= new Promise<void>((resolve) => (this.#open = resolve));
  }

  empty(): void {
    this.#gate = undefined;
    this.isWaitedFor = false;
    this.#open();
  }

  /** Resolves when the tail waits for room. */
  async waitedFor(): Promise<void> {
    if (!this.isWaitedFor) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  next(bytes: Buffer, from: number, end: number): number {
    for (let at = from; at < end;) {
      const newline = bytes.indexOf(10, at);
      const stop = newline < 0 || newline > end ? end : newline;
      if (stop > at && !bytes.subarray(at, stop).includes("quiet")) return stop - 1;
      at = stop + 1;
    }
    return -1;
  }

  ignored(lines: number): void {
    this.ignoredLines += lines;
  }

  deliver(bytes: Buffer, place: SourceLocation, owner: Owner, line: number): boolean {
    this.#take(bytes.toString("latin1"), place, "line", owner, line);
    return true;
  }

  damaged(reason: "over-long" | "torn", place: SourceLocation, head: Buffer, owner: Owner, line: number): void {
    this.#take(head.toString("latin1"), place, reason, owner, line);
  }

  passed(front: number): void {
    for (const taken of this.taken) if (taken.line < front) taken.isPassed = true;
  }

  room(): Promise<void> | undefined {
    this.isWaitedFor = this.#gate !== undefined;
    if (this.isWaitedFor) for (const resolve of this.#waiting.splice(0)) resolve();
    return this.#gate;
  }

  #take(text: string, place: SourceLocation, kind: string, owner: Owner, line: number): void {
    const taken: Taken = {
      text,
      place,
      kind,
      line,
      isSettled: false,
      isPassed: false,
      settle() {
        this.isSettled = true;
        owner.settled("acknowledged", line);
      },
    };
    this.taken.push(taken);
    if (this.settlesAtOnce) taken.settle();
  }
}

/** A tail that a test drives turn by turn. */
export class TestTail implements AsyncDisposable {
  readonly intake = new KeepingIntake();
  readonly waker = new ManualWaker();
  readonly saveWaker = new ManualWaker();
  readonly logged = new RecordingLog();
  readonly tail: Tail;
  nowMs = 0;
  sink: Record<string, number> = {};
  #drain = new AbortController();
  #running: Promise<void> | undefined;

  constructor(tree: LogTree, options: Partial<TailOptions> = {}) {
    this.tail = new Tail({
      path: tree.alertsJson,
      stateDir: tree.stateDir,
      start: "end",
      pollMs: 100,
      maxLineBytes: 1024 * 1024,
      intake: this.intake,
      log: this.logged.log,
      sinkOffsets: () => this.sink,
      waker: this.waker,
      saveWaker: this.saveWaker,
      now: () => this.nowMs,
      ...options,
    });
  }

  /** Starts, and continues until the tail waits for something to read. */
  static async start(tree: LogTree, options: Partial<TailOptions> = {}, settlesAtOnce = true): Promise<TestTail> {
    const tail = new TestTail(tree, options);
    tail.intake.settlesAtOnce = settlesAtOnce;
    void tail.run();
    await tail.idle();
    return tail;
  }

  run(): Promise<void> {
    this.#running = this.tail.run(this.#drain.signal);
    const over = (): void => {
      this.waker.over();
      this.saveWaker.over();
    };
    this.#running.then(over, over);
    return this.#running;
  }

  get texts(): string[] {
    return this.intake.texts;
  }

  /** Gives every line its outcome. */
  settle(): void {
    for (const taken of this.intake.taken) if (!taken.isSettled) taken.settle();
  }

  settleAtOnce(settlesAtOnce: boolean): void {
    this.intake.settlesAtOnce = settlesAtOnce;
  }

  /** One more look at the file, unless the tail waits for room. */
  async turn(times = 1): Promise<void> {
    for (let turn = 0; turn < times; turn++) {
      await this.idle();
      if (!this.intake.isWaitedFor) this.waker.wake();
      await this.idle();
    }
  }

  /** Resolves when the tail waits for something to read, or for room. */
  async idle(): Promise<void> {
    if (this.waker.isAsleep || this.intake.isWaitedFor) return;
    await Promise.race([this.waker.asleep(), this.intake.waitedFor()]);
  }

  /** Writes a checkpoint, as happens once a second. */
  async checkpoint(): Promise<void> {
    await this.saveWaker.turn();
  }

  /** Stops as the forwarder does. */
  async stop(): Promise<void> {
    this.#drain.abort();
    await this.#running;
    await this.tail.save();
    await this.tail[Symbol.asyncDispose]();
  }

  /** Stops as a crash does: nothing is written any more. */
  async crash(): Promise<void> {
    await this.tail[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tail[Symbol.asyncDispose]();
  }
}
