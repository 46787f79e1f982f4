import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { errnoOf } from "../../daemon/errors.ts";

/**
 * Below the ports that Linux gives to outgoing connections (32768 and up): one of those may be taken by a connection
 * between the asking and the listening, and again whenever a broker is started anew.
 */
const range = { first: 12_000, last: 32_000 };

/** Ports of the loopback address that nobody listens on at the moment. */
export async function freePorts(count: number): Promise<number[]> {
  const held = new Map<number, Server>();
  while (held.size < count) {
    const port = range.first + Math.floor(Math.random() * (range.last - range.first));
    const server = held.has(port) ? undefined : await listen(port);
    if (server !== undefined) held.set(port, server);
  }
  await Promise.all([...held.values()].map((server) => once(server.close(), "close")));
  return [...held.keys()];
}

/** Undefined when somebody listens there. */
async function listen(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
    return server;
  } catch (reason) {
    if (errnoOf(reason) === "EADDRINUSE") return undefined;
    throw reason;
  }
}
