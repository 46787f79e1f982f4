import { DfnError } from "../../../errors.ts";

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `host:port` or `[v6]:port`.
 * @throws DfnError CONFIG when it is neither
 */
export function parseBrokerAddress(text: string): BrokerAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new DfnError(
      "CONFIG",
      `sink.kafka.brokers: "${text}" is not an address; use host:port, or [address]:port for IPv6`,
    );
  }
  return { host, port };
}

/** The text that `parseAddress` reads. */
export function formatBrokerAddress({ host, port }: BrokerAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
