import { DfnError } from "../errors.ts";
import { formatIpAddress, type IpAddress, parseIpAddress } from "./address.ts";

/** All addresses of one version that begin with the same bits. */
export interface Network {
  readonly version: 4 | 6;
  /** The common bits, the rest cut off. */
  readonly prefix: bigint;
  /** How many bits are cut off. */
  readonly hostBits: bigint;
}

/** What `splitNetwork` finds. */
type NetworkParts =
  | {
      readonly kind: "network";
      readonly network: Network;
      /** Whether the address is the network's first; otherwise it is another address in it. */
      readonly isFirst: boolean;
    }
  | { readonly kind: "no-address" }
  /** The text behind the slash is neither a length of 0 to `width` nor, for IPv4, a netmask. */
  | { readonly kind: "no-length"; readonly width: 32 | 128 };

/**
 * Splits `address/length`. A single address is a network of one; IPv4 may have a netmask in place of the length. A
 * zone (`fe80::1%eth0`) is refused.
 */
export function splitNetwork(text: string): NetworkParts {
  const [written = "", length, ...rest] = text.split("/");
  const address = written.includes("%") ? undefined : parseIpAddress(written);
  if (address === undefined || rest.length > 0) return { kind: "no-address" };
  const { version, bits } = address;
  const width = version === 4 ? 32 : 128;
  const prefixLength = length === undefined ? width : readLength(length, width);
  if (prefixLength === undefined) return { kind: "no-length", width };
  const hostBits = BigInt(width - prefixLength);
  const prefix = bits >> hostBits;
  return { kind: "network", network: { version, prefix, hostBits }, isFirst: prefix << hostBits === bits };
}

/**
 * Reads `address/length`; a single address is a network of one. Bits beyond the length are cut off.
 * @throws DfnError CONFIG when it is neither
 */
export function parseNetwork(text: string): Network {
  const parts = splitNetwork(text);
  if (parts.kind === "network") return parts.network;
  throw new DfnError(
    "CONFIG",
    `dfn.own_network: "${text}" is not a network; use an address and a length, e.g. 192.0.2.0/24`,
  );
}

/** `address/length`, in the shortest usual form. */
export function formatNetwork({ version, prefix, hostBits }: Network): string {
  const width = version === 4 ? 32 : 128;
  return `${formatIpAddress({ version, bits: prefix << hostBits })}/${width - Number(hostBits)}`;
}

/** Whether the address is in the network. As in Python, an IPv4-mapped IPv6 address is in no IPv4 network. */
export function contains(network: Network, address: IpAddress): boolean {
  return network.version === address.version && address.bits >> network.hostBits === network.prefix;
}

function readLength(text: string, width: number): number | undefined {
  if (/^[0-9]{1,3}$/.test(text)) return Number(text) <= width ? Number(text) : undefined;
  const mask = width === 32 ? parseIpAddress(text) : undefined;
  if (mask?.version !== 4) return undefined;
  const digits = mask.bits.toString(2).padStart(32, "0");
  return /^1*0*$/.test(digits) ? digits.lastIndexOf("1") + 1 : undefined;
}
