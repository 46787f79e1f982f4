import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterTable } from "./report.ts";
import { defaults, runCluster } from "./run.ts";

/** The same each time, so that a change is to blame for what fails; CLUSTER_SEED draws other orders and moments. */
const seed = Number(process.env["CLUSTER_SEED"] ?? 3);
const say = (line: string): void => void process.stderr.write(`cluster: ${line}\n`);

test(`a master and three workers, switched off, cut off and added under ${defaults.alerts} alerts: each alert once, and each node's own`, async () => {
  const report = { command: `npm run cluster -- --seed ${seed}`, ...(await runCluster({ seed, ...defaults, say })) };
  process.stdout.write(clusterTable(report));
  assert.deepEqual(report.broken, []);
});
