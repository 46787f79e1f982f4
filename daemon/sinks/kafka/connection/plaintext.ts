import { BlockList, isIP } from "node:net";
import { parseBrokerAddress } from "./broker-address.ts";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Whether what is sent to a broker, `host:port`, stays on this machine. */
export function isLoopback(broker: string): boolean {
  const { host } = parseBrokerAddress(broker);
  const version = isIP(host);
  if (version !== 0) return loopback.check(host, version === 4 ? "ipv4" : "ipv6");
  return /^(?:.*\.)?localhost\.?$/i.test(host); // RFC 6761, section 6.3
}

/**
 * A warning about alerts that leave this machine without TLS; undefined when none does.
 * @param brokers `host:port` each
 */
export function plaintextWarning(brokers: readonly string[]): string | undefined {
  const others = brokers.filter((broker) => !isLoopback(broker));
  if (others.length === 0) return undefined;
  return `alerts travel without TLS to ${others.join(", ")}: anybody on the network path can read and change them; set sink.kafka.tls (on, or ca, cert and key) and use the brokers' TLS port`;
}
