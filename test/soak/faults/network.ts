import { connectionsEnd } from "./support.ts";
import type { Fault } from "../fault.ts";
import type { Stage } from "../stage.ts";

/** What happens on the way to the brokers, and comes to an end. */
export const networkFaults: readonly Fault[] = [
  {
    name: "connections-reset",
    what: "all connections are reset, several times",
    async run(stage) {
      for (let round = stage.between(2, 5); round > 0; round--) {
        for (const relay of stage.ground.relays) relay.cut();
        await stage.pass(stage.between(50, 600));
      }
    },
  },
  {
    name: "connections-refused",
    what: "nobody listens at the brokers' addresses",
    async run(stage) {
      for (const relay of stage.ground.relays) await relay.close();
      await stage.pass(stage.between(2000, 4000));
      for (const relay of stage.ground.relays) await relay.listen("127.0.0.1");
    },
  },
  {
    name: "connections-silent",
    what: "connections are taken and kept, and nothing passes",
    async run(stage) {
      await withRoad(stage, { isStalled: true }, stage.between(2000, 4000));
    },
  },
  {
    name: "black-hole",
    what: "every packet to and from the brokers is dropped",
    needs: ["firewall"],
    run: (stage) => withLoss(stage, 100, stage.between(3000, 6000)),
  },
  {
    name: "packet-loss",
    what: "30 % of the packets are dropped, each way",
    needs: ["firewall"],
    run: (stage) => withLoss(stage, 30, stage.between(3000, 5000)),
  },
  {
    name: "long-way",
    what: "500 ms of round trip",
    run: (stage) => withRoad(stage, { delayMs: 250 }, stage.between(3000, 5000)),
  },
  {
    name: "slow-broker",
    what: "the brokers take in 100 KB a second together, and much is to be sent",
    async run(stage) {
      for (let large = 0; large < 30; large++) stage.write(true, { denseBytes: 50_000 });
      await withRoad(stage, { bytesPerSecond: 33_000 }, stage.between(3000, 5000));
    },
  },
  {
    name: "addresses-changed",
    what: "the brokers' name leads to another address",
    needs: ["root"],
    async run(stage) {
      const { relays } = stage.ground;
      const next = relays.map((relay) => relay.listen("127.0.0.2"));
      await Promise.all(next);
      await stage.pass(500);
      stage.ground.leadTo("127.0.0.2");
      // The recovery from here on is that of the change; back again is a change as well.
      await stage.arrival(20_000);
      await Promise.all(relays.map((relay) => relay.listen("127.0.0.1")));
      stage.ground.leadTo("127.0.0.1");
    },
  },
  {
    name: "names-unknown",
    what: "the brokers' name is not known, and connections end",
    needs: ["root"],
    async run(stage) {
      stage.ground.leadTo(undefined);
      for (const relay of stage.ground.relays) relay.cut();
      await connectionsEnd(stage);
      await stage.pass(stage.between(2000, 4000));
      stage.ground.leadTo("127.0.0.1");
    },
  },
];

async function withLoss(stage: Stage, percent: number, ms: number): Promise<void> {
  stage.ground.firewall?.drop(percent);
  try {
    await stage.pass(ms);
  } finally {
    stage.ground.firewall?.clear();
  }
}

async function withRoad(
  stage: Stage,
  road: { delayMs?: number; bytesPerSecond?: number; isStalled?: boolean },
  ms: number,
): Promise<void> {
  for (const relay of stage.ground.relays) Object.assign(relay.road, road);
  try {
    await stage.pass(ms);
  } finally {
    for (const relay of stage.ground.relays) {
      Object.assign(relay.road, { delayMs: 0, bytesPerSecond: 0, isStalled: false });
    }
  }
}
