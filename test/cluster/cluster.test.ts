import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterTable } from "./report.ts";
import { defaults, runCluster } from "./run.ts";

/** Drawn anew each time. CLUSTER_SEED repeats a run. */
const seed = Number(process.env["CLUSTER_SEED"] ?? Math.floor(Math.random() * 1_000_000));
const say = (line: string): void => void process.stderr.write(`cluster: ${line}\n`);

test(`a master and three workers, switched off, cut off and added under ${defaults.alerts} alerts: each alert once, and each node's own`, async () => {
  const report = { command: `npm run cluster -- --seed ${seed}`, ...(await runCluster({ seed, ...defaults, say })) };
  process.stdout.write(clusterTable(report));
  assert.deepEqual(report.broken, []);
});
