import { seededRandom } from "../rig/random.ts";
import type { Corpus } from "./corpus.ts";
import { mutate, type Draw } from "./mutator.ts";
import type { StepCounter } from "./steps.ts";
import type { Target } from "./target.ts";
import { Trial } from "./trial.ts";

export interface Failure {
  readonly input: Buffer;
  readonly reason: unknown;
}

export interface Hunted {
  readonly inputs: number;
  /** The smallest input for each answer that the seeds and the corpus had not given. */
  readonly found: ReadonlyMap<string, Buffer>;
  /** The first failure, with its input made smaller. */
  readonly failure: Failure | undefined;
}

export interface HuntOptions {
  readonly seed: number;
  /** Whether to try one more input, after the given number. */
  readonly goesOn: (inputs: number) => boolean;
}

/** Inputs with a new answer that are kept to mutate further. */
const mostKept = 400;
/** Number of tries to make a failing input smaller, and the time for them: a failure may be a long silence. */
const shrinkings = 600;
const shrinkingMs = 30_000;

/** Tries the seeds and the corpus, then mutations of these, until one fails or enough were tried. */
export async function hunt(
  target: Target,
  corpus: Corpus,
  steps: StepCounter,
  { seed, goesOn }: HuntOptions,
): Promise<Hunted> {
  await using trial = new Trial(target, steps);
  const random = seededRandom(seed);
  const draw: Draw = (below) => Math.floor(random() * below);
  const pool = [...target.seeds, ...corpus.files().map(({ input }) => input)];
  const known = new Set<string>();
  const found = new Map<string, Buffer>();
  let inputs = 0;
  for (const input of pool.slice()) {
    inputs += 1;
    const answer = await attempt(trial, input, true);
    if (typeof answer !== "string") return { inputs, found, failure: answer };
    known.add(answer);
  }
  for (; goesOn(inputs); inputs++) {
    const input = mutate(pool, target.words, draw);
    const answer = await attempt(trial, input);
    if (typeof answer !== "string") return { inputs, found, failure: await shrunk(trial, answer, draw) };
    if (known.has(answer)) continue;
    const before = found.get(answer);
    if (before === undefined && found.size < mostKept) pool.push(input);
    if (before === undefined ? found.size < mostKept : input.length < before.length) found.set(answer, input);
  }
  return { inputs, found, failure: undefined };
}

async function attempt(trial: Trial, input: Buffer, isCounted?: boolean): Promise<string | Failure> {
  try {
    return await trial.try(input, isCounted === undefined ? {} : { isCounted });
  } catch (reason) {
    return { input, reason };
  }
}

/** Removes stretches while the input still fails: what is left shows why. */
async function shrunk(trial: Trial, failure: Failure, draw: Draw): Promise<Failure> {
  let smallest = failure;
  const endsAt = performance.now() + shrinkingMs;
  for (let left = shrinkings; left > 0 && performance.now() < endsAt && smallest.input.length > 1; left--) {
    const { input } = smallest;
    const at = draw(input.length);
    const length = 1 + draw(Math.max(1, input.length >> draw(8)));
    const smaller = Buffer.concat([input.subarray(0, at), input.subarray(at + length)]);
    const answer = await attempt(trial, smaller);
    if (typeof answer !== "string") smallest = answer;
  }
  return smallest;
}
