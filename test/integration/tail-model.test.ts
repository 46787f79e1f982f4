import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../rig/random.ts";
import { TailProgram } from "../unit/sources/tail/support/tail-program.ts";

/** Those of `npm test` are always the same. HISTORIES=n tries n others, SEED=n one again. */
const usual = { first: 1, count: 600 };

test("random histories of a manager and a forwarder: no line is lost, sent twice, cut or out of order", async () => {
  const { first, count } = asked();
  for (let seed = first; seed < first + count; seed++) {
    const random = seededRandom(seed);
    const program = new TailProgram(random);
    using _tree = program.tree;
    try {
      await program.run(10 + Math.floor(random() * 40));
    } catch (cause) {
      const what = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
      assert.fail(`SEED=${seed}: ${program.steps.join(", ")}\n${what}`);
    }
  }
});

function asked(): typeof usual {
  const { SEED: seed, HISTORIES: histories } = process.env;
  if (seed !== undefined) return { first: Number(seed), count: 1 };
  if (histories !== undefined) return { first: Math.floor(Math.random() * 1e9), count: Number(histories) };
  return usual;
}
