import { DfnError } from "../../../errors.ts";

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** The parts of a text of the form of an address; what is in them is not judged. */
interface AddressParts extends BrokerAddress {
  /** Whether the host was in brackets, as an IPv6 address is. */
  readonly isBracketed: boolean;
}

/** Takes `host:port` or `[host]:port` apart, with a port of one to five digits; undefined for any other text. */
export function splitBrokerAddress(text: string): AddressParts | undefined {
  const match = /^(?:\[(.*)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain = "", port] = match;
  return { host: bracketed ?? plain, port: Number(port), isBracketed: bracketed !== undefined };
}

export function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535;
}

/**
 * Reads `host:port` or `[v6]:port`. Takes any name without blanks: brokers also come from Kafka.
 * @throws DfnError CONFIG when it is neither
 */
export function parseBrokerAddress(text: string): BrokerAddress {
  const parts = splitBrokerAddress(text);
  const isHost = parts !== undefined && (parts.isBracketed ? /^[0-9a-fA-F:.]+$/ : /^\S+$/).test(parts.host);
  if (!isHost || !isPort(parts.port)) {
    throw new DfnError(
      "CONFIG",
      `sink.kafka.brokers: "${text}" is not an address; use host:port, or [address]:port for IPv6`,
    );
  }
  return { host: parts.host, port: parts.port };
}

/** The text that `parseBrokerAddress` reads. */
export function formatBrokerAddress({ host, port }: BrokerAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
