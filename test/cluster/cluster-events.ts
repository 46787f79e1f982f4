import { setTimeout as delay } from "node:timers/promises";
import { present } from "../rig/present.ts";
import type { Cluster } from "./cluster.ts";
import type { ClusterNode } from "./node.ts";

/** Something that happens to a running cluster; when it is over, an alert of its node must come soon. */
export interface ClusterEvent {
  readonly name: string;
  readonly what: string;
  /** The share of all alerts that are written when it happens. */
  readonly after: number;
  /** Names of nodes that must get alerts through meanwhile. */
  readonly undisturbed?: readonly string[];
  /** Needs hosts with networks of their own. */
  readonly needsNetwork?: boolean;
  /** @returns the node that was struck, when it is over */
  run(cluster: Cluster): Promise<ClusterNode>;
}

const awayMs = 4000;
const cutMs = 8000;
const moveEveryMs = 1000;

/** In the order in which they happen. */
export const clusterEvents: readonly ClusterEvent[] = [
  {
    name: "killed",
    what: "the node is switched off under load, its agents go to the others, and it comes back",
    after: 0.1,
    undisturbed: ["master-0", "worker-2"],
    run: (cluster) => switchedOff(cluster, "worker-1"),
  },
  {
    name: "killed often",
    what: "SIGKILL for its forwarder, three times in a row, while the others send records of the same ids",
    after: 0.25,
    async run({ node }) {
      const struck = node("worker-2");
      for (let round = 0; round < 3; round++) {
        await struck.forwarder.kill();
        await struck.forwarder.start();
        await delay(moveEveryMs);
      }
      return struck;
    },
  },
  {
    name: "cut off",
    what: "its network cable is pulled, and put in again",
    after: 0.4,
    needsNetwork: true,
    undisturbed: ["master-0", "worker-1"],
    async run({ node }) {
      const struck = node("worker-2");
      struck.host.unplug(true);
      await delay(cutMs);
      struck.host.unplug(false);
      return struck;
    },
  },
  {
    name: "added",
    what: "a new node joins, and agents come to it",
    after: 0.6,
    undisturbed: ["master-0", "worker-1", "worker-2"],
    run: (cluster) => cluster.add({ name: "worker-3", type: "worker", isHidden: false }),
  },
  {
    name: "killed while cut off",
    what: "SIGKILL for the forwarder of a node whose packets are dropped; started, and then they pass again",
    after: 0.7,
    needsNetwork: true,
    async run({ node }) {
      const struck = node("worker-3");
      struck.host.mute(true);
      await delay(1000);
      await struck.forwarder.kill();
      await struck.forwarder.start();
      // By then the kernel retries so rarely that what it still held would arrive after the look-up.
      await delay(6000);
      struck.host.mute(false);
      return struck;
    },
  },
  {
    name: "master away",
    what: "the master is switched off, and comes back",
    after: 0.85,
    undisturbed: ["worker-1", "worker-2", "worker-3"],
    run: (cluster) => switchedOff(cluster, "master-0"),
  },
];

async function switchedOff(cluster: Cluster, name: string): Promise<ClusterNode> {
  const struck = cluster.node(name);
  await struck.kill();
  const { length } = cluster.agents.leave(name);
  await delay(awayMs);
  cluster.agents.join(name, length);
  await struck.revive();
  return struck;
}

/** The nodes that an event must not disturb. */
export function bystanders({ undisturbed = [] }: ClusterEvent, { nodes }: Cluster): readonly ClusterNode[] {
  return undisturbed.map((name) => present(nodes.find((node) => node.name === name)));
}
