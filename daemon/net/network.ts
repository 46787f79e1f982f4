import { DfnError } from "../errors.ts";
import { type IpAddress, parseIpAddress } from "./address.ts";

/** All addresses of one version that begin with the same bits. */
export interface Network {
  readonly version: 4 | 6;
  /** The common bits, the rest cut off. */
  readonly prefix: bigint;
  /** How many bits are cut off. */
  readonly hostBits: bigint;
}

/**
 * Reads `address/length`; a single address is a network of one.
 * @throws DfnError CONFIG when it is neither
 */
export function parseNetwork(text: string): Network {
  const [address = "", length, ...rest] = text.split("/");
  const parsed = parseIpAddress(address);
  const bits = parsed?.version === 4 ? 32 : 128;
  const isLength = length === undefined || (/^[0-9]{1,3}$/.test(length) && Number(length) <= bits);
  if (parsed === undefined || !isLength || rest.length > 0) {
    throw new DfnError(
      "CONFIG",
      `dfn.own_network: "${text}" is not a network; use an address and a length, e.g. 192.0.2.0/24`,
    );
  }
  const hostBits = BigInt(bits - Number(length ?? bits));
  return { version: parsed.version, prefix: parsed.bits >> hostBits, hostBits };
}

/** Whether the address is in the network. As in Python, an IPv4-mapped IPv6 address is in no IPv4 network. */
export function contains(network: Network, address: IpAddress): boolean {
  return network.version === address.version && address.bits >> network.hostBits === network.prefix;
}
