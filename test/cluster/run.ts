import { setTimeout as delay } from "node:timers/promises";
import { describe } from "../../daemon/errors.ts";
import { eventually } from "../rig/eventually.ts";
import { bounds, judge } from "../soak/judge.ts";
import { Cluster, type ClusterOptions } from "./cluster.ts";
import { bystanders, clusterEvents, type ClusterEvent } from "./cluster-events.ts";
import type { ClusterNode } from "./node.ts";
import type { ClusterReport, NodeReport, Struck } from "./report.ts";

export interface RunOptions extends ClusterOptions {
  /** Alerts in all, over all nodes. */
  readonly alerts: number;
  readonly say: (line: string) => void;
}

export const defaults = { alerts: 300_000, rate: 800 };

const moveEveryMs = 500;
const movesAtOnce = 4;
const settleWithinMs = 180_000;
const writtenWithinMs = 3_600_000;

/** Runs a cluster through all events and compares every node's alerts with the topic. */
export async function runCluster(options: RunOptions): Promise<Omit<ClusterReport, "command">> {
  const { seed, alerts, say } = options;
  say(`seed ${seed}`);
  const started = performance.now();
  await using cluster = await Cluster.create(options);
  const broken: string[] = [];
  const slow: string[] = [];
  const notMade: Record<string, string> = {};
  const struck: Struck[] = [];
  const writing = performance.now();
  const mover = setInterval(() => cluster.agents.move(movesAtOnce), moveEveryMs);
  try {
    for (const event of clusterEvents) {
      if (event.needsNetwork === true && !cluster.network.isReal) {
        notMade[event.name] = "needs root and the right to make network namespaces";
        continue;
      }
      await written(cluster, event.after * alerts);
      const result = await pass(cluster, event);
      struck.push(result);
      broken.push(...result.broken.map((what) => `${result.name}: ${what}`));
      slow.push(...result.slow.map((what) => `${result.name}: ${what}`));
      const faults = [...result.broken, ...result.slow].join(" | ");
      say(`${result.name}: ${result.lastedMs} ms, recovered in ${result.recoveryMs ?? "-"} ms ${faults}`);
    }
    await written(cluster, alerts);
  } finally {
    clearInterval(mover);
  }
  const writtenInMs = performance.now() - writing;
  const connections = cluster.nodes.map((node) => node.connections);
  const settled = cluster.nodes.map((node) =>
    node.settled(settleWithinMs).catch((reason: unknown) => void broken.push(`${node.name}: ${describe(reason)}`)),
  );
  await Promise.all(settled);
  const arrivedInMs = performance.now() - writing;
  for (const node of cluster.nodes) {
    await node.forwarder.stop().catch((reason: unknown) => broken.push(`${node.name}: ${describe(reason)}`));
  }
  const nodes = cluster.nodes.map((node, index) => reportOf(node, connections[index] ?? 0));
  for (const { name, verdict } of nodes) {
    broken.push(...verdict.broken.map((what) => `${name}: ${what}`));
    slow.push(...verdict.slow.map((what) => `${name}: ${what}`));
  }
  const manifests = await cluster.manifests();
  broken.push(...manifests.broken);
  if (manifests.streams !== nodes.length)
    broken.push(`${manifests.streams} streams of manifests of ${nodes.length} nodes`);
  const { strange, agents, twins } = cluster;
  if (strange.length > 0)
    broken.push(`${strange.length} records of nodes that there are not: ${strange.slice(0, 3).join("; ")}`);
  if (twins === 0) broken.push("no two nodes had an alert of the same id, so nothing is shown");
  if (agents.wandered === 0) broken.push("no agent was at two nodes");
  const total = (of: (node: NodeReport) => number): number => nodes.reduce((sum, node) => sum + of(node), 0);
  const writtenAlerts = total(({ verdict }) => verdict.written);
  return {
    seed,
    tookSeconds: Math.round((performance.now() - started) / 1000),
    written: writtenAlerts,
    relevant: total(({ verdict }) => verdict.relevant),
    records: total(({ verdict }) => verdict.records),
    alertsPerSecond: Math.round((writtenAlerts / writtenInMs) * 1000),
    recordsPerSecond: Math.round((total(({ verdict }) => verdict.records) / arrivedInMs) * 1000),
    twins,
    manifests: manifests.manifests,
    agentMoves: agents.moves,
    wanderingAgents: agents.wandered,
    nodes,
    struck,
    notMade,
    broken,
    slow,
  };
}

async function written(cluster: Cluster, count: number): Promise<void> {
  await eventually("the alerts", () => cluster.written >= count, { withinMs: writtenWithinMs });
}

/** Lets an event happen, meanwhile writes alerts at the bystanders, and measures the recovery. */
async function pass(cluster: Cluster, event: ClusterEvent): Promise<Struck> {
  const { name, what } = event;
  const broken: string[] = [];
  const slow: string[] = [];
  const fail = (reason: unknown): undefined => void broken.push(describe(reason));
  const begun = performance.now();
  const others = bystanders(event, cluster);
  const judged = async (who: ClusterNode, what: string): Promise<number | undefined> => {
    const arrived = new AbortController();
    const complaint = delay(bounds.recoveryMs, undefined, { signal: arrived.signal }).then(
      () => who.complaint(),
      () => "",
    );
    const tookMs = await who.arrival().catch(fail);
    arrived.abort();
    if (tookMs !== undefined && tookMs > bounds.recoveryMs) slow.push(`${tookMs} ms ${what} ${await complaint}`);
    return tookMs;
  };
  const meanwhile = Promise.all(others.map((other) => judged(other, `for an alert of ${other.name} meanwhile`)));
  const node = await event.run(cluster);
  const lastedMs = Math.round(performance.now() - begun);
  await meanwhile;
  const recoveryMs = await judged(node, "to recover");
  return { name, what, node: node.name, lastedMs, recoveryMs, broken, slow };
}

function reportOf(node: ClusterNode, connections: number): NodeReport {
  const { name, type, isHidden } = node.setup;
  return { name, type, isHidden, connections, verdict: judge(node, {}, () => false) };
}
