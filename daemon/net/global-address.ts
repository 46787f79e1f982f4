import { type IpAddress, unmapped } from "./address.ts";
import { contains, type Network, parseNetwork } from "./network.ts";

/**
 * IANA's special-purpose registries, as Python's `ipaddress` has them since the correction of 2024 (CVE-2024-4032; 3.13,
 * and 3.11 as Debian 12 ships it). The table is frozen here, so that what is forwarded never depends on a runtime.
 */
const special = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "240.0.0.0/4",
  "::/127", // unspecified and loopback
  "64:ff9b:1::/48",
  "100::/64",
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "fc00::/7",
  "fe80::/10",
].map(parseNetwork);

/** Parts of the special ranges that are still globally reachable. */
const exceptions = [
  "192.0.0.9/32",
  "192.0.0.10/32",
  "2001:1::1/128",
  "2001:1::2/128",
  "2001:3::/32",
  "2001:4:112::/48",
  "2001:20::/28",
  "2001:30::/28",
].map(parseNetwork);

/** Between providers and their customers: not global, though not private either. */
const shared: Network = parseNetwork("100.64.0.0/10");

/**
 * Whether an address is globally routable, exactly as Python's `is_global`: multicast is, an IPv4-mapped address is when
 * its IPv4 address is not private, and so a mapped one of the shared range is too.
 */
export function isGlobal(address: IpAddress): boolean {
  if (contains(shared, address)) return false;
  const plain = unmapped(address) ?? address;
  const isIn = (network: Network): boolean => contains(network, plain);
  return !special.some(isIn) || exceptions.some(isIn);
}
