import assert from "node:assert/strict";
import { test } from "node:test";
import { OnceWorld, recordsPerId } from "../../rig/once-world.ts";
import { seededRandom } from "../../rig/random.ts";

interface Program {
  readonly seed: number;
  /** The average number of lines after which the id of the line before comes again. */
  readonly repeatsEvery?: number;
  readonly windowSize: number;
  readonly aheadLimit: number;
  readonly isReadable: boolean;
  readonly tailWaitMs: number;
  readonly keepsWindow?: boolean;
  /** Somebody who may write to the socket brings copies with different content. */
  readonly isForged?: boolean;
  readonly lines: number;
  /** Chance of a stop and of a crash at each step. */
  readonly stops: number;
  readonly crashes: number;
}

function idsOf({ lines, repeatsEvery }: Program, random: () => number): string[] {
  const ids: string[] = [];
  let second = 1_763_700_000;
  for (let line = 0; line < lines; line++) {
    if (random() < 0.2) second += 1;
    const repeated = ids[Math.max(0, line - 1 - Math.floor(random() * 3))];
    const isRepeat = repeatsEvery !== undefined && random() < 1 / repeatsEvery && repeated !== undefined;
    ids.push(isRepeat ? repeated : `${second}.${line}`);
  }
  return ids;
}

/** Runs a random interleaving and returns, for each id, the number of lines and the number of records. */
async function run(program: Program): Promise<void> {
  const random = seededRandom(program.seed);
  const ids = idsOf(program, random);
  const world = await OnceWorld.create({ ...program, ids, random });
  let written = 0;
  let integratord = 0;
  while (!world.hasReadAll || integratord < ids.length) {
    const dice = random();
    if (dice < 0.3) written = Math.min(ids.length, written + 1 + Math.floor(random() * 4));
    else if (dice < 0.6 && world.line < written) world.tail();
    else if (dice < 0.6) world.reachedEnd();
    else if (dice < 0.8 && integratord < written) world.socket(integratord++);
    else if (dice < 0.83 && integratord > 0) world.socket(integratord - 1 - Math.floor(random() ** 3 * integratord));
    else if (dice < 0.88 && program.isForged === true && written > 0) {
      world.forge(written - 1 - Math.floor(random() ** 3 * written));
    } else if (dice < 0.93) await world.answer(Math.floor(random() * 3));
    else if (dice < 0.95) world.sink.isHolding = !world.sink.isHolding;
    else if (dice < 0.97) world.saveCheckpoint();
    else if (random() < program.stops) await world.stop();
    else if (random() < program.crashes) await world.crash();
    world.check();
  }
  await world.finish();
  const expected = new Map<string, number>();
  for (const id of ids) expected.set(id, (expected.get(id) ?? 0) + 1);
  const found = recordsPerId(world.sink);
  const wrong = [...expected].filter(([id, count]) => found.get(id) !== count);
  assert.deepEqual(wrong, [], `seed ${program.seed}: ${wrong.map(([id]) => `${id} ${found.get(id) ?? 0}`).join(", ")}`);
  assert.equal(found.size, expected.size);
}

const calm = { aheadLimit: 200, windowSize: 400, isReadable: true, tailWaitMs: 0, lines: 200, stops: 0, crashes: 0 };

async function runAll(program: Omit<Program, "seed">, seeds: number): Promise<void> {
  for (let seed = 1; seed <= seeds; seed++) await run({ ...program, seed });
}

test("each line gives one record, whichever way is first and however often the socket repeats itself", () =>
  runAll({ ...calm, repeatsEvery: 4 }, 12));

test("each line gives one record while the window forgets", () =>
  runAll({ ...calm, repeatsEvery: 4, windowSize: 8, aheadLimit: 4 }, 12));

test("each line gives one record across stops that save the window", () =>
  runAll({ ...calm, repeatsEvery: 4, isReadable: false, stops: 0.3 }, 12));

test("each line gives one record when the tail waits for the socket's copy", () =>
  runAll({ ...calm, repeatsEvery: 4, tailWaitMs: 3_600_000, isReadable: false, stops: 0.1 }, 12));

test("each line gives one record across crashes and stops, when the sink may be read", () =>
  runAll({ ...calm, stops: 0.1, crashes: 0.2 }, 15));

test("each line gives one record across crashes while the window forgets and the tail waits", () =>
  runAll({ ...calm, windowSize: 12, aheadLimit: 8, tailWaitMs: 3_600_000, stops: 0.1, crashes: 0.2 }, 12));

test("each line gives one record across crashes after which the window of an earlier stop is found", () =>
  runAll({ ...calm, keepsWindow: true, stops: 0.1, crashes: 0.2 }, 15));

test("each line gives one record with its own content, whatever else the socket says about it", () =>
  runAll({ ...calm, isForged: true }, 15));

test("each line gives one record with its own content despite a forger, across crashes and stops", () =>
  runAll({ ...calm, isForged: true, keepsWindow: true, stops: 0.1, crashes: 0.2 }, 20));

test("each line gives one record with its own content despite a forger, when the tail waits for the socket's copy", () =>
  runAll({ ...calm, isForged: true, tailWaitMs: 3_600_000, isReadable: false, stops: 0.1 }, 15));
