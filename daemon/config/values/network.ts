import { formatNetwork, splitNetwork } from "../../net/network.ts";
import { inQuotes, InvalidValue } from "./problem.ts";

/**
 * Reads an IPv4 or IPv6 network, as strictly as Python's `ipaddress.ip_network`, which the Python daemon reads its own
 * network with: bits behind the prefix must be zero. An address alone is a network of one; IPv4 may have a netmask in
 * place of the prefix length.
 * @returns address/length, in the shortest usual form
 * @throws InvalidValue, with the corrected network if bits behind the prefix are set
 */
export function readNetwork(text: string): string {
  const parts = splitNetwork(text);
  if (parts.kind === "no-address") {
    throw new InvalidValue(`${inQuotes(text)} is not a network; use e.g. 192.0.2.0/24 or 2001:db8::/32`);
  }
  if (parts.kind === "no-length") {
    const { width } = parts;
    throw new InvalidValue(`${inQuotes(text)} has no valid prefix length; use 0 to ${width} behind the slash`);
  }
  const written = formatNetwork(parts.network);
  if (parts.isFirst) return written;
  throw new InvalidValue(`${inQuotes(text)} is an address in a network, not the network itself; write ${written}`);
}
