/** An IP address as a number of 32 or 128 bits. */
export interface IpAddress {
  readonly version: 4 | 6;
  readonly bits: bigint;
}

/**
 * Reads an IPv4 or IPv6 address, as strictly as Python's `ipaddress.ip_address`, which the Python daemon reads addresses
 * with: no leading zeros in IPv4, no blanks, a zone (`fe80::1%eth0`) allowed in IPv6 and dropped.
 */
export function parseIpAddress(text: string): IpAddress | undefined {
  const v4 = parseIpv4(text);
  if (v4 !== undefined) return { version: 4, bits: v4 };
  const v6 = parseIpv6(text);
  return v6 === undefined ? undefined : { version: 6, bits: v6 };
}

/** The IPv4 address in an IPv4-mapped one (`::ffff:192.0.2.1`); undefined for any other. */
export function unmapped({ version, bits }: IpAddress): IpAddress | undefined {
  return version === 6 && bits >> 32n === 0xffffn ? { version: 4, bits: bits & 0xffffffffn } : undefined;
}

/** The usual text of an address (RFC 5952 for IPv6). */
export function formatIpAddress({ version, bits }: IpAddress): string {
  return version === 4 ? formatIpv4(bits) : formatIpv6(bits);
}

function formatIpv4(bits: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 0xffn)).join(".");
}

/** The first longest run of two or more zero groups becomes `::`. */
function formatIpv6(bits: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bits >> BigInt(16 * (7 - i))) & 0xffffn).toString(16));
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === "0") length++;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(":");
  return `${groups.slice(0, best.start).join(":")}::${groups.slice(best.start + best.length).join(":")}`;
}

function parseIpv4(text: string): bigint | undefined {
  const octets = text.split(".", 5);
  if (octets.length !== 4) return undefined;
  let bits = 0n;
  for (const octet of octets) {
    if (!/^(?:0|[1-9][0-9]{0,2})$/.test(octet) || Number(octet) > 255) return undefined;
    bits = (bits << 8n) | BigInt(octet);
  }
  return bits;
}

function parseIpv6(text: string): bigint | undefined {
  const zoneAt = text.indexOf("%");
  const zone = zoneAt < 0 ? undefined : text.slice(zoneAt + 1);
  if (zone !== undefined && (zone === "" || zone.includes("%") || zone.includes("/"))) return undefined;
  let address = zoneAt < 0 ? text : text.slice(0, zoneAt);
  const tail = address.slice(address.lastIndexOf(":") + 1);
  if (tail.includes(".")) {
    const v4 = parseIpv4(tail);
    if (v4 === undefined) return undefined;
    address = `${address.slice(0, -tail.length)}${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}`;
  }
  const halves = address.split("::", 3);
  if (halves.length > 2) return undefined;
  const [high = [], low = []] = halves.map((half) => (half === "" ? [] : half.split(":", 9)));
  const missing = 8 - high.length - low.length;
  // A gap means at least one group; without a gap all eight are there.
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  let bits = 0n;
  for (const group of [...high, ...Array.from({ length: missing }, () => "0"), ...low]) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    bits = (bits << 16n) | BigInt(`0x${group}`);
  }
  return bits;
}
