import assert from "node:assert/strict";
import { after, test } from "node:test";
import { shortFaults } from "./catalogue.ts";
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

test("after every fault by itself nothing is lost, made up, altered or sent twice", async () => {
  assert.deepEqual(await session.each(shortFaults, defaults.named), []);
});

test(`after ${defaults.faults} faults in a row under ${defaults.mixture.alerts} alerts nothing is lost, made up, altered or sent twice`, async () => {
  assert.deepEqual(await session.mixture(defaults.faults, defaults.mixture), []);
});
