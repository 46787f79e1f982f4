import type { Fault } from "../fault.ts";
import { brokerCount } from "../ground.ts";
import { probeHeaders } from "../referee.ts";
import { partitionCount, type Stage } from "../stage.ts";

/** What happens to the brokers' processes. */
export const brokerFaults: readonly Fault[] = [
  {
    name: "broker-restarted",
    what: "one broker is stopped properly and started again",
    run: (stage) => restart(stage, stage.between(1, brokerCount), "SIGTERM"),
  },
  {
    name: "leader-killed",
    what: "the leader of a partition is killed and started again",
    async run(stage) {
      await restart(
        stage,
        await stage.ground.kafka.leaderOf(stage.topic, stage.between(0, partitionCount - 1)),
        "SIGKILL",
      );
    },
  },
  {
    name: "leader-stands-still",
    what: "the leader of a partition answers nothing for seconds, its connections stay",
    async run(stage) {
      const { kafka } = stage.ground;
      const leader = await kafka.leaderOf(stage.topic, stage.between(0, partitionCount - 1));
      kafka.pause(leader);
      await stage.pass(stage.between(2000, 6000));
      kafka.resume(leader);
    },
  },
  {
    name: "brokers-bounced",
    what: "each broker in turn is stopped and started again",
    isAlone: true,
    async run(stage) {
      for (let id = 1; id <= brokerCount; id++) await restart(stage, id, "SIGTERM");
    },
  },
  {
    name: "all-brokers-killed",
    what: "all brokers are killed at once and started again",
    async run(stage) {
      await stage.ground.kafka.stopAll("SIGKILL");
      await stage.pass(stage.between(500, 3000));
      await stage.ground.kafka.startAll();
      await untilWritable(stage);
    },
  },
  {
    name: "started-without-brokers",
    what: "the forwarder starts while no broker runs",
    isAlone: true,
    async run(stage) {
      await stage.forwarder.stop();
      await stage.ground.kafka.stopAll("SIGTERM");
      await stage.forwarder.start();
      await stage.pass(1000);
      await stage.ground.kafka.startAll();
      await untilWritable(stage);
    },
  },
  {
    name: "leaders-moved",
    what: "the replicas are put into another order, and the leaders move to the new first ones",
    async run(stage) {
      const order = stage.oneOf([
        [2, 3, 1],
        [3, 1, 2],
        [1, 3, 2],
      ]);
      const replicas = order.map((_, partition) => [...order.slice(partition), ...order.slice(0, partition)]);
      await stage.ground.kafka.placeReplicas(stage.topic, replicas);
      // The brokers look after their preferred leaders every 2 s.
      await stage.pass(3000);
    },
  },
  {
    name: "too-few-replicas",
    what: "more replicas are demanded than there are: the brokers refuse every record",
    async run(stage) {
      const { kafka } = stage.ground;
      await kafka.alterTopic(stage.topic, { ...topicConfig, "min.insync.replicas": "4" });
      await stage.pass(stage.between(2000, 4000));
      await kafka.alterTopic(stage.topic, topicConfig);
    },
  },
];

/** The stage's topics carry the broker's time, by which recovery is measured. */
export const topicConfig = { "message.timestamp.type": "LogAppendTime" };

async function restart(stage: Stage, id: number, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  const { kafka } = stage.ground;
  await kafka.stopBroker(id, signal);
  await stage.pass(stage.between(0, 1000));
  await kafka.startBroker(id);
  await untilWritable(stage);
}

/** A fault that the brokers are still getting over is not over: it is when another client can write everywhere. */
export async function untilWritable(stage: Stage): Promise<void> {
  await stage.ground.kafka.accepts(stage.topic, partitionCount, probeHeaders);
}
