import { chmodSync } from "node:fs";
import type { Fault } from "../fault.ts";
import { brokerCount, user } from "../test-bed.ts";
import { partitionCount, type Environment } from "../environment.ts";
import { statusSays } from "./support.ts";

const writtenBytesPerSecond = 100_000;
const readBytesPerSecond = 500_000;
const largeBytes = 50_000;
/** The brokers delay a client by the time that its requests would take at its rate. */
const heldBackMs = 60_000;
const rememberedMs = 1000;

/** What brokers allow, and how long they remember. */
export const limitFaults: readonly Fault[] = [
  {
    name: "writing-limited",
    what: `a quota of ${writtenBytesPerSecond} bytes a second to write, and much is to be sent`,
    async run(environment) {
      await withLimit(environment, "producer", writtenBytesPerSecond, async () => {
        for (let large = 0; large < 8; large++) environment.write(true, { denseBytes: largeBytes });
        environment.analysisd.flush();
        await environment.pass(environment.between(2000, 5000));
      });
    },
  },
  {
    name: "reading-limited",
    what: `SIGKILL, and a quota of ${readBytesPerSecond} bytes a second for the look-up, which has much to read`,
    async run(environment) {
      await environment.settled();
      await withLimit(environment, "consumer", readBytesPerSecond, async () => {
        // Without a checkpoint that passes them, all records sent from here on have to be looked up.
        chmodSync(environment.stateDir, 0o555);
        try {
          for (let large = 0; large < 24; large++) environment.write(true, { denseBytes: largeBytes });
          await environment.settled();
          await environment.forwarder.kill();
        } finally {
          chmodSync(environment.stateDir, 0o755);
        }
        await environment.forwarder.start();
      });
    },
  },
  {
    name: "producers-forgotten",
    keepsProcess: true,
    what: `brokers forget a producer after ${rememberedMs} ms; bursts with pauses between, and connections that end`,
    async run(environment) {
      const { kafka, relays } = environment.testBed;
      const rate = environment.load.perSecond;
      await kafka.rememberProducers(rememberedMs);
      try {
        for (let round = 0; round < 2; round++) {
          environment.load.perSecond = 0;
          await environment.settled();
          await environment.pass(environment.between(2 * rememberedMs, 3 * rememberedMs));
          environment.load.perSecond = 2 * rate;
          await environment.pass(environment.between(50, 400));
          if (round % 2 === 1) {
            // What is sent again after a second, on a busy machine, would otherwise be forgotten by then: no broker that
            // is configured as Kafka's documentation asks forgets so soon.
            await kafka.rememberProducers(undefined);
            for (const relay of relays) relay.cut();
          }
          await environment.pass(environment.between(200, 600));
        }
      } finally {
        environment.load.perSecond = rate;
        await kafka.rememberProducers(undefined);
      }
    },
  },
  {
    name: "follower-stalls",
    keepsProcess: true,
    what: "a follower stalls, and a record that is too large is among those that wait for it",
    async run(environment) {
      const { kafka } = environment.testBed;
      const leader = await kafka.leaderOf(environment.topic, environment.between(0, partitionCount - 1));
      const follower = (leader % brokerCount) + 1;
      kafka.pause(follower);
      try {
        // Time for batches to wait before it and behind it.
        await environment.pass(environment.between(200, 1000));
        const { sequence } = environment.write(true, { denseBytes: 1_500_000 });
        environment.ledger.expectDead(sequence);
        environment.analysisd.flush();
        await environment.pass(environment.between(1500, 6000));
      } finally {
        kafka.resume(follower);
      }
      await statusSays(environment, /dead/i, 20_000);
    },
  },
];

async function withLimit(
  environment: Environment,
  kind: "producer" | "consumer",
  bytesPerSecond: number,
  during: () => Promise<void>,
): Promise<void> {
  const { kafka } = environment.testBed;
  await kafka.limit(user, kind, bytesPerSecond);
  try {
    await during();
    // What is delayed when the quota is removed stays delayed: the recovery is that of the clients behind it.
    await environment.arrival(heldBackMs);
  } finally {
    await kafka.limit(user, kind, undefined);
  }
}
