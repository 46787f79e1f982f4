import assert from "node:assert/strict";
import { after, test } from "node:test";
import { aloneFaults, mixableFaults } from "./catalogue.ts";
import { table } from "./report.ts";
import { defaults, Session } from "./session.ts";

/** The same each time, so that a failure is due to a change; SOAK_SEED draws other orders and times. */
const seed = Number(process.env["SOAK_SEED"] ?? 2);
const say = (line: string): void => void process.stderr.write(`soak: ${line}\n`);
const session = await Session.create({ seed, say });

after(async () => {
  process.stdout.write(table(session.report(`npm run soak -- --seed ${seed}`)));
  await session[Symbol.asyncDispose]();
});

test("after each fault that needs a manager of its own nothing is lost, made up, altered or sent twice", async () => {
  assert.deepEqual(await session.each(aloneFaults, defaults.named), []);
});

test(`after each of ${mixableFaults.length} other faults, one after the other on one manager, nothing is lost, made up, altered or sent twice`, async () => {
  assert.deepEqual(await session.mixture(mixableFaults.length, defaults.mixture), []);
});
