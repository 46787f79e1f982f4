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
import type { TestBed } from "./test-bed.ts";

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

/** The faults that take only seconds each. */
export const shortFaults: readonly Fault[] = faults.filter(({ isLong }) => isLong !== true);

/** The short ones that can be parts of a mixture. */
export const mixableFaults: readonly Fault[] = shortFaults.filter(({ isAlone }) => isAlone !== true);

/** The short ones that cannot. */
export const aloneFaults: readonly Fault[] = shortFaults.filter(({ isAlone }) => isAlone === true);

/** The short ones through which one process runs on. */
export const lastingFaults: readonly Fault[] = mixableFaults.filter(({ keepsProcess }) => keepsProcess === true);

/** What this machine lacks for a fault; undefined: nothing. */
export function lacks(testBed: TestBed, fault: Fault): string | undefined {
  const needs = fault.needs ?? [];
  if (needs.includes("root") && !testBed.isRoot) return "needs root, mount and user namespaces";
  if (needs.includes("names") && !testBed.asksNames) return "needs root and a resolv.conf";
  if (needs.includes("firewall") && testBed.firewall === undefined) return "needs root and nftables (Debian: nftables)";
  if (needs.includes("clock") && testBed.clock === undefined)
    return "needs glibc and directories with libraries of one's own";
  return undefined;
}
