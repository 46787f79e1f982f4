import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type ListenOptions, type Server } from "node:net";
import { errnoOf } from "../../daemon/errors.ts";

/**
 * Outside the ports that Linux gives to outgoing connections (32768 and up, unless somebody changed that): one of those
 * may be taken by a connection between asking and listening, and again whenever a broker is restarted.
 */
const range = { first: 12_000, last: 32_000 };

/** Keep other test processes from the ports of this one, for its lifetime. */
const claims = new Set<Server>();

/**
 * Ports of the loopback address that nobody listens on at the moment, and that no other call gets while this process
 * lives: brokers are stopped and started again on them.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = range.first + Math.floor(Math.random() * (range.last - range.first));
    if (isForOutgoing(port)) continue;
    // An abstract name of the network namespace, like the ports: it is gone with the process.
    const claim = await listen({ path: `\0wazuh-dfn-test-port-${port}` });
    if (claim === undefined) continue;
    claims.add(claim.unref());
    const probe = await listen({ port, host: "127.0.0.1" });
    if (probe === undefined) continue;
    probe.close();
    await once(probe, "close");
    ports.push(port);
  }
  return ports;
}

/** Whether the system may take this port for an outgoing connection; never, if that would be the whole range. */
function isForOutgoing(port: number): boolean {
  const [low = 0, high = 0] = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "latin1").split(/\s+/).map(Number);
  const takesAll = low <= range.first && high >= range.last;
  return !takesAll && port >= low && port <= high;
}

/** Undefined when somebody listens there. */
async function listen(where: ListenOptions): Promise<Server | undefined> {
  const server = createServer().listen(where);
  try {
    await once(server, "listening");
    return server;
  } catch (reason) {
    if (errnoOf(reason) === "EADDRINUSE") return undefined;
    throw reason;
  }
}
