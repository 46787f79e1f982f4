import type { Fault } from "./fault.ts";
import { brokerFaults } from "./faults/brokers.ts";
import { fileFaults } from "./faults/files.ts";
import { forwarderFaults } from "./faults/forwarder.ts";
import { limitFaults } from "./faults/limits.ts";
import { longFaults } from "./faults/long.ts";
import { networkFaults } from "./faults/network.ts";
import { peerFaults } from "./faults/peers.ts";
import { rotationFaults } from "./faults/rotation.ts";
import { securityFaults } from "./faults/security.ts";
import { socketFaults } from "./faults/socket.ts";
import { stateFaults } from "./faults/state.ts";
import { topicFaults } from "./faults/topics.ts";
import type { Ground } from "./ground.ts";

/** Every fault, by its room. */
export const faults: readonly Fault[] = [
  ...networkFaults,
  ...brokerFaults,
  ...topicFaults,
  ...limitFaults,
  ...peerFaults,
  ...securityFaults,
  ...forwarderFaults,
  ...stateFaults,
  ...rotationFaults,
  ...fileFaults,
  ...socketFaults,
  ...longFaults,
];

/** Those of which each takes seconds. */
export const shortFaults: readonly Fault[] = faults.filter(({ isLong }) => isLong !== true);

/** What this machine lacks for a fault; undefined: nothing. */
export function lacks(ground: Ground, fault: Fault): string | undefined {
  const needs = fault.needs ?? [];
  if (needs.includes("root") && !ground.isRoot) return "needs root, mount and user namespaces";
  if (needs.includes("firewall") && ground.firewall === undefined) return "needs root and nftables (Debian: nftables)";
  return undefined;
}
