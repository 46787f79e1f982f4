import type { Fault } from "./fault.ts";
import { archiveFaults } from "./faults/archives.ts";
import { brokerClockFaults } from "./faults/broker-clock.ts";
import { brokerFaults } from "./faults/brokers.ts";
import { clockFaults } from "./faults/clock.ts";
import { fileFaults } from "./faults/files.ts";
import { forwarderFaults } from "./faults/forwarder.ts";
import { limitFaults } from "./faults/limits.ts";
import { longFaults } from "./faults/long.ts";
import { lookupFaults } from "./faults/lookup.ts";
import { networkFaults } from "./faults/network.ts";
import { nameFaults } from "./faults/names.ts";
import { peerFaults } from "./faults/peers.ts";
import { openAlertFaults } from "./faults/open-alert.ts";
import { powerFaults } from "./faults/power.ts";
import { rotationFaults } from "./faults/rotation.ts";
import { securityFaults } from "./faults/security.ts";
import { socketFaults } from "./faults/socket.ts";
import { stateFaults } from "./faults/state.ts";
import { topicFaults } from "./faults/topics.ts";
import { truncationFaults } from "./faults/truncation.ts";
import type { Ground } from "./ground.ts";

/** Every fault, by its room. */
export const faults: readonly Fault[] = [
  ...networkFaults,
  ...brokerFaults,
  ...topicFaults,
  ...truncationFaults,
  ...limitFaults,
  ...peerFaults,
  ...nameFaults,
  ...brokerClockFaults,
  ...securityFaults,
  ...forwarderFaults,
  ...stateFaults,
  ...rotationFaults,
  ...fileFaults,
  ...archiveFaults,
  ...powerFaults,
  ...clockFaults,
  ...openAlertFaults,
  ...lookupFaults,
  ...socketFaults,
  ...longFaults,
];

/** Those of which each takes seconds. */
export const shortFaults: readonly Fault[] = faults.filter(({ isLong }) => isLong !== true);

/** What this machine lacks for a fault; undefined: nothing. */
export function lacks(ground: Ground, fault: Fault): string | undefined {
  const needs = fault.needs ?? [];
  if (needs.includes("root") && !ground.isRoot) return "needs root, mount and user namespaces";
  if (needs.includes("names") && !ground.asksNames) return "needs root and a resolv.conf";
  if (needs.includes("firewall") && ground.firewall === undefined) return "needs root and nftables (Debian: nftables)";
  if (needs.includes("clock") && ground.clock === undefined)
    return "needs glibc and directories with libraries of one's own";
  return undefined;
}
