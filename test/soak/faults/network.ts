import { endConnections } from "./support.ts";
import type { Fault } from "../fault.ts";
import type { Environment } from "../environment.ts";

/** What happens on the way to the brokers, and ends again. */
export const networkFaults: readonly Fault[] = [
  {
    name: "connections-reset",
    keepsProcess: true,
    what: "all connections are reset, several times",
    async run(environment) {
      for (let round = environment.between(2, 5); round > 0; round--) {
        for (const relay of environment.testBed.relays) relay.cut();
        await environment.pass(environment.between(50, 600));
      }
    },
  },
  {
    name: "connections-refused",
    keepsProcess: true,
    what: "nobody listens at the brokers' addresses",
    async run(environment) {
      for (const relay of environment.testBed.relays) await relay.close();
      await environment.pass(environment.between(2000, 4000));
      for (const relay of environment.testBed.relays) await relay.listen("127.0.0.1");
    },
  },
  {
    name: "connections-silent",
    keepsProcess: true,
    what: "connections are taken and kept, and nothing passes",
    async run(environment) {
      await withRoad(environment, { isStalled: true }, environment.between(2000, 4000));
    },
  },
  {
    name: "black-hole",
    keepsProcess: true,
    what: "every packet to and from the brokers is dropped",
    needs: ["firewall"],
    run: (environment) => withLoss(environment, 100, environment.between(3000, 6000)),
  },
  {
    name: "packet-loss",
    keepsProcess: true,
    what: "30 % of the packets are dropped, each way",
    needs: ["firewall"],
    run: (environment) => withLoss(environment, 30, environment.between(3000, 5000)),
  },
  {
    name: "long-way",
    keepsProcess: true,
    what: "500 ms of round trip",
    run: (environment) => withRoad(environment, { delayMs: 250 }, environment.between(3000, 5000)),
  },
  {
    name: "slow-broker",
    keepsProcess: true,
    what: "the brokers take in 100 KB a second together, and much is to be sent",
    async run(environment) {
      for (let large = 0; large < 30; large++) environment.write(true, { denseBytes: 50_000 });
      await withRoad(environment, { bytesPerSecond: 33_000 }, environment.between(3000, 5000));
    },
  },
  {
    name: "addresses-changed",
    keepsProcess: true,
    what: "the brokers' name leads to another address",
    needs: ["root"],
    async run(environment) {
      const { relays } = environment.testBed;
      const next = relays.map((relay) => relay.listen("127.0.0.2"));
      await Promise.all(next);
      await environment.pass(500);
      environment.testBed.leadTo("127.0.0.2");
      // The recovery from here on is that of the change; going back is a change as well.
      await environment.arrival(20_000);
      await Promise.all(relays.map((relay) => relay.listen("127.0.0.1")));
      environment.testBed.leadTo("127.0.0.1");
    },
  },
  {
    name: "names-unknown",
    keepsProcess: true,
    what: "the brokers' name is not known, and connections end",
    needs: ["root"],
    async run(environment) {
      environment.testBed.leadTo(undefined);
      await endConnections(environment);
      await environment.pass(environment.between(2000, 4000));
      environment.testBed.leadTo("127.0.0.1");
    },
  },
];

async function withLoss(environment: Environment, percent: number, ms: number): Promise<void> {
  environment.testBed.firewall?.drop(percent);
  try {
    await environment.pass(ms);
  } finally {
    environment.testBed.firewall?.clear();
  }
}

async function withRoad(
  environment: Environment,
  road: { delayMs?: number; bytesPerSecond?: number; isStalled?: boolean },
  ms: number,
): Promise<void> {
  for (const relay of environment.testBed.relays) Object.assign(relay.road, road);
  try {
    await environment.pass(ms);
  } finally {
    for (const relay of environment.testBed.relays) {
      Object.assign(relay.road, { delayMs: 0, bytesPerSecond: 0, isStalled: false });
    }
  }
}
