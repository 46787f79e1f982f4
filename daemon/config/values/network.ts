import { isIPv4, isIPv6 } from "node:net";
import { inQuotes, InvalidValue } from "./problem.ts";

/**
 * Reads an IPv4 or IPv6 network, as strictly as Python's `ipaddress.ip_network`, which the Python daemon reads its own
 * network with: bits behind the prefix must be zero. An address alone is a network of one; IPv4 may have a netmask in
 * place of the prefix length.
 * @returns address/length, in the shortest usual form
 * @throws InvalidValue, with the mended network where bits behind the prefix are set
 */
export function readNetwork(text: string): string {
  const [address = "", length, ...rest] = text.split("/");
  const version = isIPv4(address) ? 4 : isIPv6(address) && !address.includes("%") ? 6 : undefined;
  if (version === undefined || rest.length > 0) {
    throw new InvalidValue(`${inQuotes(text)} is not a network; allowed is for instance 192.0.2.0/24 or 2001:db8::/32`);
  }
  const width = version === 4 ? 32 : 128;
  const prefix = length === undefined ? width : readPrefix(length, width);
  if (prefix === undefined) {
    throw new InvalidValue(`${inQuotes(text)} has no valid prefix length; allowed is 0 to ${width} behind the slash`);
  }
  const bits = version === 4 ? fromIpv4(address) : fromIpv6(address);
  const hostBits = BigInt(width - prefix);
  const network = (bits >> hostBits) << hostBits;
  const written = `${version === 4 ? toIpv4(network) : toIpv6(network)}/${prefix}`;
  if (network !== bits) {
    throw new InvalidValue(`${inQuotes(text)} is an address in a network, not the network itself; write ${written}`);
  }
  return written;
}

function readPrefix(length: string, width: number): number | undefined {
  if (/^\d{1,3}$/.test(length)) return Number(length) <= width ? Number(length) : undefined;
  if (width !== 32 || !isIPv4(length)) return undefined;
  const mask = fromIpv4(length).toString(2).padStart(32, "0");
  return /^1*0*$/.test(mask) ? mask.lastIndexOf("1") + 1 : undefined;
}

function fromIpv4(address: string): bigint {
  return address.split(".").reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

/** @param address one that `isIPv6` has accepted */
function fromIpv6(address: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const hex =
    dotted === null
      ? address
      : `${dotted[1] ?? ""}${groups(fromIpv4(dotted[2] ?? ""), 2)
          .map((group) => group.toString(16))
          .join(":")}`;
  const [head = [], tail = []] = hex.split("::").map((half) => half.split(":").filter((group) => group !== ""));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return [...head, ...zeros, ...tail].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

function toIpv4(bits: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 0xffn)).join(".");
}

/** The usual short form (RFC 5952): the first longest run of two or more zero groups becomes `::`. */
function toIpv6(bits: bigint): string {
  const text = groups(bits, 8).map((group) => group.toString(16));
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (text[start + length] === "0") length++;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return text.join(":");
  return `${text.slice(0, best.start).join(":")}::${text.slice(best.start + best.length).join(":")}`;
}

function groups(bits: bigint, count: number): bigint[] {
  return Array.from({ length: count }, (_, i) => (bits >> BigInt(16 * (count - 1 - i))) & 0xffffn);
}
