import assert from "node:assert/strict";
import { closeSync, existsSync, ftruncateSync, openSync } from "node:fs";
import { LineWriter } from "./line-writer.ts";
import { LogTree } from "./log-tree.ts";
import { TestTail } from "./test-tail.ts";

/** Number of turns that bring any tail to the end of the log. */
const enough = 4;

/**
 * One random history of a manager and a forwarder, compared with what must come of it:
 * - every complete relevant line gets its outcome: exactly once, or after crashes at least once;
 * - nothing else is passed on, except for the torn ends of files;
 * - lines first appear in the order in which they were written.
 */
export class TailProgram {
  readonly tree = new LogTree();
  readonly steps: string[] = [];
  readonly #random: () => number;
  readonly #lines: LineWriter;
  readonly #settled = new Map<string, number>();
  readonly #order: string[] = [];
  #tail: TestTail | undefined;
  #day = 1;
  #part = 0;
  #hasCrashed = false;
  #hasSteppedBack = false;
  #wasTruncated = false;
  /** The present day is compressed already: only an open descriptor leads to what is added. */
  #isQuiet = false;

  constructor(random: () => number) {
    this.#random = random;
    this.#lines = new LineWriter(this.tree, random);
  }

  async run(length: number): Promise<void> {
    this.tree.rotate(this.#name());
    const start = this.#random() < 0.5 ? "end" : "beginning";
    for (let lines = this.#pick(4); lines > 0; lines--) this.#lines.write(start === "beginning");
    // At the end means right after the last newline, so an unfinished line is awaited, and a whole one is not.
    if (this.#random() < 0.3) this.#lines.begin(30);
    await this.#start(start);
    for (let step = 0; step < length; step++) await this.#step();
    await this.#conclude();
  }

  async #step(): Promise<void> {
    const steps: readonly (readonly [weight: number, name: string, run: () => Promise<void> | void])[] = [
      [10, "write", () => this.#lines.write()],
      [5, "begin", () => this.#lines.begin()],
      [8, "turn", () => this.#tail?.turn()],
      [3, "checkpoint", () => this.#tail?.checkpoint()],
      [4, "rotate", () => this.#rotate()],
      [1, "tear", () => this.#tear()],
      [2, "relink", () => this.#relink()],
      [2, "compress", () => this.#compress()],
      [1, "compress the present day", () => this.#compressPresent()],
      [1, "step back", () => this.#stepBack()],
      [1, "truncate", () => this.#truncate()],
      [3, "stop", () => this.#stop()],
      [1, "crash", () => this.#crash()],
      [4, "start", () => this.#start("end")],
      [4, "settle some", () => this.#settle(0.5)],
      [2, "settle all", () => this.#settle(1)],
      [2, "settle at once", () => this.#tail?.settleAtOnce(true)],
      [2, "settle later", () => this.#tail?.settleAtOnce(false)],
      [1, "fill", () => this.#tail?.intake.fill()],
      [2, "empty", () => this.#tail?.intake.empty()],
    ];
    let at = this.#random() * steps.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, name, run] of steps) {
      at -= weight;
      if (at >= 0) continue;
      this.steps.push(name);
      return run();
    }
  }

  async #start(start: "end" | "beginning"): Promise<void> {
    if (this.#tail) return;
    const tail = await TestTail.start(this.tree, { start, maxLineBytes: 400_000 });
    tail.intake.settlesAtOnce = this.#random() < 0.7;
    this.#tail = tail;
  }

  async #stop(): Promise<void> {
    if (!this.#tail || this.#isQuiet) return;
    await this.#tail.stop();
    this.#collect();
  }

  async #crash(): Promise<void> {
    if (!this.#tail || this.#isQuiet) return;
    this.#hasCrashed = true;
    await this.#tail.crash();
    this.#collect();
  }

  /** Takes over what an ended tail had passed on. */
  #collect(): void {
    const errors = this.#tail?.logged.find("error", /./) ?? [];
    assert.deepEqual(
      errors.filter((line) => !(this.#wasTruncated && line.includes("truncated"))),
      [],
    );
    for (const { text, isSettled, kind, place } of this.#tail?.intake.taken ?? []) {
      this.#order.push(text);
      if (isSettled) this.#settled.set(text, (this.#settled.get(text) ?? 0) + 1);
      assert.equal(place.length, text.length);
      assert.equal(kind === "torn", this.#lines.torn.has(text), `${kind}: ${text}`);
    }
    this.#tail = undefined;
  }

  async #conclude(): Promise<void> {
    this.steps.push("conclude");
    this.#lines.finish();
    await this.#start("end");
    this.#tail?.intake.empty();
    this.#tail?.settleAtOnce(true);
    await this.#tail?.turn(enough);
    await this.#rotate();
    this.#lines.write();
    await this.#tail?.turn(enough);
    this.#settle(1);
    await this.#tail?.stop();
    this.#collect();
    const { expected } = this.#lines;
    for (const text of expected) {
      const times = this.#settled.get(text) ?? 0;
      assert.ok(this.#hasCrashed ? times >= 1 : times === 1, `${times} times: ${text.slice(0, 60)}`);
    }
    const known = new Set([...expected, ...this.#lines.torn]);
    assert.deepEqual(
      [...new Set(this.#order)].filter((text) => !known.has(text)),
      [],
    );
    const first = [...new Set(this.#order)].filter((text) => !this.#lines.torn.has(text));
    if (!this.#hasSteppedBack) assert.deepEqual(first, expected);
  }

  async #rotate(): Promise<void> {
    this.#lines.finish();
    if (this.#random() < 0.5) this.#part++;
    else [this.#day, this.#part] = [this.#day + 1, 0];
    await this.#move(this.#name());
  }

  /** What a killed analysisd leaves behind if the day has changed before it starts again. */
  async #tear(): Promise<void> {
    if (!this.#lines.hasUnfinished) return;
    this.#lines.tear();
    await this.#rotate();
  }

  async #move(name: string): Promise<void> {
    this.tree.discardEmpty();
    this.tree.open(name);
    if (this.#random() < 0.3) await this.#tail?.turn();
    this.tree.unlink();
    if (this.#random() < 0.3) await this.#tail?.turn();
    this.tree.link();
    if (!this.#isQuiet) return;
    // What is only in the unlinked inode is lost with the descriptor.
    await this.#catchUp();
    this.#settle(1);
    this.#isQuiet = false;
  }

  async #relink(): Promise<void> {
    if (this.#isQuiet) return;
    this.tree.unlink();
    if (this.#random() < 0.5) await this.#tail?.turn();
    if (this.#random() < 0.5) this.#lines.write();
    this.tree.link();
  }

  async #compress(): Promise<void> {
    if (this.#hasSteppedBack) {
      // A day that is compressed after the clock went back to it is not read again.
      if (!(await this.#catchUp())) return;
      this.#settle(1);
      await this.#tail?.checkpoint();
    }
    const days = Array.from({ length: this.#day - 1 }, (_, index) => this.#name(index + 1, 0));
    const plain = days.filter((day) => existsSync(this.tree.dated(day)) && this.tree.dated(day) !== this.tree.current);
    const day = plain[this.#pick(plain.length)];
    if (day !== undefined && !existsSync(`${this.tree.dated(day)}.gz`)) this.tree.compress(day, 1 + this.#pick(3));
  }

  async #compressPresent(): Promise<void> {
    const name = this.#name(this.#day, 0);
    if (this.tree.dated(name) !== this.tree.current || existsSync(`${this.tree.dated(name)}.gz`)) return;
    // Long enough that the compressed file is recognised by its head alone.
    this.#lines.finish();
    this.tree.write(`{"n":"${name}","quiet":"${"x".repeat(1200)}"}`);
    if (!(await this.#catchUp())) return;
    this.tree.compress(name);
    this.#isQuiet = true;
  }

  async #stepBack(): Promise<void> {
    if (this.#day < 2 || this.#lines.hasUnfinished || !(await this.#catchUp())) return;
    const name = this.#name(1 + this.#pick(this.#day - 1), 0);
    // What is appended to a torn line forms one line with it; that is tested elsewhere.
    if (this.#lines.isTorn(this.tree.dated(name))) return;
    this.#hasSteppedBack = true;
    await this.#move(name);
    this.#lines.write();
    await this.#catchUp();
    await this.#tail?.checkpoint();
  }

  async #truncate(): Promise<void> {
    if (this.#lines.hasUnfinished || this.#isQuiet || !(await this.#catchUp())) return;
    this.#settle(1);
    if (this.#random() < 0.5) await this.#stop();
    const file = openSync(this.tree.alertsJson, "r+");
    ftruncateSync(file);
    closeSync(file);
    this.#wasTruncated = true;
    this.#lines.write();
    await (this.#tail ? this.#tail.turn() : this.#start("end"));
  }

  /** Brings the tail to the end of the log; false when it is not running. */
  async #catchUp(): Promise<boolean> {
    this.#tail?.intake.empty();
    await this.#tail?.turn(enough);
    return this.#tail !== undefined;
  }

  #settle(share: number): void {
    for (const taken of this.#tail?.intake.taken ?? []) {
      if (!taken.isSettled && this.#random() < share) taken.settle();
    }
  }

  #name(day = this.#day, part = this.#part): string {
    const date = `2026/${day <= 28 ? "Nov" : "Dec"}/${String(((day - 1) % 28) + 1).padStart(2, "0")}`;
    return part === 0 ? date : `${date}-${String(part).padStart(3, "0")}`;
  }

  #pick(count: number): number {
    return Math.floor(this.#random() * count);
  }
}
