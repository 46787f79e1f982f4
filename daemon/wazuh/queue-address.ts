/** Where events for Wazuh go. */
export type QueueAddress =
  /** analysisd's own datagram socket, or one that takes datagrams of the same form. */
  | { readonly kind: "unix"; readonly path: string }
  /** A relay that passes each line on to the queue of its manager, one datagram a line. */
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** As `wazuh.queue` has it: a path, or `tcp://host:port` with an IPv6 address in brackets. */
export function formatQueueAddress(address: QueueAddress): string {
  if (address.kind === "unix") return address.path;
  const { host, port } = address;
  return `tcp://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
