import { runInNewContext, runInThisContext } from "node:vm";
import { setFlagsFromString } from "node:v8";
import type { StepCounter } from "./steps.ts";
import type { Subject, Target } from "./target.ts";

/**
 * Steps that the product may take, whatever the input: a number for each byte, and some for an empty one. Anything
 * quadratic in the input's length takes thousands for each byte of the larger inputs.
 */
const mostStepsPerByte = 150;
const freeSteps = 60_000;
/** From this size on each input's steps are counted, which takes milliseconds. */
const countedBytes = 8 * 1024;
/** Never comes if the product is sound: an endless loop is cut off so that its input becomes known. */
const endlessMs = 60_000;
/** An open target keeps what its clients leave behind; a new one begins with nothing. */
const inputsPerSubject = 1000;
/** Buffers that a target may hold once it is closed: those that the product keeps for the next document. */
const mostRetainedBytes = 4 * 1024 * 1024;

/** Tries inputs on a target, one after the other. */
export class Trial implements AsyncDisposable {
  readonly #target: Target;
  readonly #steps: StepCounter;
  #subject: Subject | undefined;
  #tried = 0;

  constructor(target: Target, steps: StepCounter) {
    this.#target = target;
    this.#steps = steps;
  }

  /**
   * @returns what the target answers
   * @throws when a promise is broken
   */
  async try(input: Buffer, { isCounted = input.length >= countedBytes } = {}): Promise<string> {
    if (this.#tried++ % inputsPerSubject === 0) await this.#renew();
    const subject = (this.#subject ??= await this.#target.open());
    if (isCounted) this.#countSteps(subject, input);
    return await withinReason(() => subject.judge(input));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#renew();
  }

  async #renew(): Promise<void> {
    await this.#subject?.close?.();
    this.#subject = undefined;
  }

  #countSteps(subject: Subject, input: Buffer): void {
    const steps = withinReason(() => this.#steps.count(() => subject.work?.(input)));
    const most = freeSteps + mostStepsPerByte * input.length;
    if (steps > most) throw new Error(`${steps} steps for ${input.length} bytes; at most ${most} are in proportion`);
  }
}

/** @throws Error when a target's run has left more memory behind than a target may hold */
export async function withoutLeaks(run: () => Promise<void>): Promise<void> {
  const before = await retainedBytes();
  await run();
  const retained = (await retainedBytes()) - before;
  if (retained > mostRetainedBytes) throw new Error(`${retained} bytes of buffers are held after the run`);
}

async function retainedBytes(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  // What one collection finalises the next one frees.
  for (let round = 0; round < 3; round++) {
    collect();
    await new Promise(setImmediate);
  }
  return process.memoryUsage().arrayBuffers;
}

function withinReason<T>(run: () => T): T {
  Object.assign(globalThis, { fuzzed: run });
  const result: T = runInThisContext("fuzzed()", { timeout: endlessMs });
  return result;
}
