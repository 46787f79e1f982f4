import { aligned } from "../soak/report.ts";
import type { Verdict } from "../soak/judge.ts";

/** One node at the end. */
export interface NodeReport {
  readonly name: string;
  readonly type: string;
  readonly isHidden: boolean;
  /** Connections of its forwarder to brokers, under load. */
  readonly connections: number;
  readonly verdict: Verdict;
}

/** How an event went. */
export interface Struck {
  readonly name: string;
  readonly what: string;
  readonly node: string;
  readonly lastedMs: number;
  /** From its end until the broker took an alert that the node wrote after it. */
  readonly recoveryMs: number | undefined;
  readonly broken: readonly string[];
  /** Limits on time that were missed. */
  readonly slow: readonly string[];
}

/** Everything that a run found. */
export interface ClusterReport {
  readonly command: string;
  readonly seed: number;
  readonly tookSeconds: number;
  readonly written: number;
  readonly relevant: number;
  readonly records: number;
  readonly alertsPerSecond: number;
  readonly recordsPerSecond: number;
  /** Relevant alerts of which another node had one of the same id and time. */
  readonly twins: number;
  /** Manifests of all nodes, whose sums were those of the topic. */
  readonly manifests: number;
  readonly agentMoves: number;
  /** Agents that were at more than one node. */
  readonly wanderingAgents: number;
  readonly nodes: readonly NodeReport[];
  readonly struck: readonly Struck[];
  /** What this machine cannot create, and why. */
  readonly notMade: Readonly<Record<string, string>>;
  /** Promises that were broken; empty: all were kept. */
  readonly broken: readonly string[];
  /** Limits on time that were missed, which may happen once on a machine that others use as well. */
  readonly slow: readonly string[];
}

const nodeHead = ["node", "alerts", "relevant", "records", "missing", "invented", "altered", "twice", "order"];
const nodeTail = ["dead", "kills", "calls", "RSS", "connections"];

/** A line for each node, a line for each event, and what is broken. */
export function clusterTable(report: ClusterReport): string {
  const rows = report.nodes.map(({ name, isHidden, connections, verdict: v }) =>
    [isHidden ? `${name} (hidden)` : name, v.written, v.relevant, v.records, v.missing, v.invented, v.altered, v.copies]
      .concat([v.outOfOrder, v.deadLetters, v.kills, v.calls, `${v.peakRssMiB} MiB`, connections])
      .map(String),
  );
  const struck = report.struck.map(({ name, node, lastedMs, recoveryMs }) => [
    name,
    node,
    `${lastedMs} ms`,
    recoveryMs === undefined ? "none" : `${recoveryMs} ms`,
  ]);
  const {
    written,
    relevant,
    records,
    alertsPerSecond,
    recordsPerSecond,
    twins,
    agentMoves,
    wanderingAgents,
    manifests,
  } = report;
  return [
    ...aligned([[...nodeHead, ...nodeTail], ...rows]),
    "",
    ...aligned([["happened", "node", "lasted", "recovery"], ...struck]),
    "",
    `${written} alerts (${alertsPerSecond} a second), ${relevant} relevant, ${records} records (${recordsPerSecond} a second)`,
    `${twins} with a twin on another node; ${agentMoves} moves of agents, ${wanderingAgents} agents at several nodes; ${manifests} manifests, whose sums are those of the topic`,
    ...Object.entries(report.notMade).map(([name, reason]) => `not made: ${name}: ${reason}`),
    ...report.broken.map((one) => `BROKEN ${one}`),
    ...report.slow.map((one) => `SLOW ${one}`),
    `${report.broken.length === 0 ? "every promise held" : `${report.broken.length} promises broken`}; seed ${report.seed}, ${report.tookSeconds} s, ${report.command}`,
    "",
  ].join("\n");
}
