import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterTable } from "./report.ts";
import { defaults, runCluster } from "./run.ts";

/** The same each time, so that a failure is due to a change; CLUSTER_SEED draws other orders and times. */
const seed = Number(process.env["CLUSTER_SEED"] ?? 3);
/** A third less than by `npm run cluster`: all that happens still has its time, one after the other. */
const alerts = 200_000;
const say = (line: string): void => void process.stderr.write(`cluster: ${line}\n`);

/** Judges a run. @returns the limits on time that it missed, without the figures */
async function slowOfARun(): Promise<string[]> {
  const options = { seed, rate: defaults.rate, alerts, say };
  const report = { command: `npm run cluster -- --seed ${seed} --alerts ${alerts}`, ...(await runCluster(options)) };
  process.stdout.write(clusterTable(report));
  assert.deepEqual(report.broken, []);
  return report.slow.map((text) => text.replaceAll(/\d+ ms/g, "late"));
}

test(`a master and three workers, switched off, cut off and added under ${alerts} alerts: each alert arrives once, under its own node`, async () => {
  // A machine that others use as well may miss a limit on time once: what it misses again counts.
  const slow = await slowOfARun();
  const twice = slow.length === 0 ? [] : (await slowOfARun()).filter((text) => slow.includes(text));
  assert.deepEqual(twice, []);
});
