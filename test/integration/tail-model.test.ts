import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../rig/random.ts";
import { TailProgram } from "../unit/sources/tail/support/tail-program.ts";

const programs = 600;

test("random histories of a manager and a forwarder: no line is lost, sent twice, cut or out of order", async () => {
  // SEED=n runs one history again.
  const given = process.env["SEED"];
  const first = given === undefined ? Math.floor(Math.random() * 1e9) : Number(given);
  for (let seed = first; seed < first + (given === undefined ? programs : 1); seed++) {
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
