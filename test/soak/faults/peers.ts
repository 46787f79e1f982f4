import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { eventually } from "../../rig/eventually.ts";
import { freePorts } from "../../rig/free-ports.ts";
import { present } from "../../rig/present.ts";
import type { Fault } from "../fault.ts";
import { Liar } from "../liar.ts";
import type { Environment } from "../environment.ts";

const deadAddresses = 6;
const lies = 10;

/** Who answers at the brokers' addresses, and who does not. */
export const peerFaults: readonly Fault[] = [
  {
    name: "garbage-from-peers",
    keepsProcess: true,
    what: "what answers at the brokers' addresses speaks telnet, HTTP, noise, and impossible lengths",
    async run(environment) {
      const { relays, certificates } = environment.testBed;
      const liars = await Promise.all(relays.map(({ target }) => Liar.start(environment.random, certificates, target)));
      try {
        for (const [index, relay] of relays.entries()) {
          relay.target = present(liars[index]).port;
          relay.cut();
        }
        await eventually("garbage", () => liars.reduce((sum, liar) => sum + liar.lies, 0) >= lies);
        await environment.pass(environment.between(0, 2000));
      } finally {
        environment.testBed.use("GOOD");
        for (const liar of liars) await liar[Symbol.asyncDispose]();
      }
    },
  },
  {
    name: "six-addresses-dead",
    what: "of seven addresses in the configuration three refuse, three say nothing, and the last one is a broker's",
    async run(environment) {
      const { host, addresses } = environment.testBed;
      const ports = await freePorts(deadAddresses);
      await using silent = await Silent.start(ports.slice(deadAddresses / 2));
      const dead = ports.map((port) => `${host}:${port}`);
      const shuffled = dead.map((address) => ({ address, at: environment.random() })).toSorted((a, b) => a.at - b.at);
      await startWith(environment, [...shuffled.map(({ address }) => address), environment.oneOf(addresses)]);
      await environment.arrival(20_000);
      await eventually("a connection to one that says nothing", () => silent.connections > 0);
      await startWith(environment, undefined);
      await environment.arrival(20_000);
    },
  },
];

async function startWith(environment: Environment, brokers: readonly string[] | undefined): Promise<void> {
  await environment.forwarder.stop();
  environment.brokers = brokers;
  await environment.forwarder.start();
}

/** Accepts connections and says nothing. */
class Silent implements AsyncDisposable {
  connections = 0;
  readonly #servers: readonly Server[];
  readonly #sockets = new Set<Socket>();

  private constructor(count: number) {
    this.#servers = Array.from({ length: count }, () =>
      createServer((socket) => {
        this.connections++;
        this.#sockets.add(socket.resume());
        socket.on("error", () => socket.destroy());
        socket.on("close", () => this.#sockets.delete(socket));
      }),
    );
  }

  static async start(ports: readonly number[]): Promise<Silent> {
    const silent = new Silent(ports.length);
    for (const [index, server] of silent.#servers.entries()) {
      server.listen(ports[index], "127.0.0.1");
      await once(server, "listening");
    }
    return silent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#servers.map((server) => once(server, "close"));
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }
}
