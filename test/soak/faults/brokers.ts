import type { Fault } from "../fault.ts";
import { brokerCount } from "../test-bed.ts";
import { probeHeaders } from "../referee.ts";
import { partitionCount, type Environment } from "../environment.ts";

/** What happens to the brokers' processes. */
export const brokerFaults: readonly Fault[] = [
  {
    name: "broker-restarted",
    keepsProcess: true,
    what: "one broker is stopped properly and started again",
    run: (environment) => restart(environment, environment.between(1, brokerCount), "SIGTERM"),
  },
  {
    name: "leader-killed",
    keepsProcess: true,
    what: "the leader of a partition is killed and started again",
    async run(environment) {
      await restart(
        environment,
        await environment.testBed.kafka.leaderOf(environment.topic, environment.between(0, partitionCount - 1)),
        "SIGKILL",
      );
    },
  },
  {
    name: "leader-stalls",
    keepsProcess: true,
    what: "the leader of a partition answers nothing for seconds, its connections stay",
    async run(environment) {
      const { kafka } = environment.testBed;
      const leader = await kafka.leaderOf(environment.topic, environment.between(0, partitionCount - 1));
      kafka.pause(leader);
      await environment.pass(environment.between(2000, 6000));
      kafka.resume(leader);
    },
  },
  {
    name: "brokers-bounced",
    keepsProcess: true,
    what: "each broker in turn is stopped and started again",
    isAlone: true,
    async run(environment) {
      for (let id = 1; id <= brokerCount; id++) await restart(environment, id, "SIGTERM");
    },
  },
  {
    name: "all-brokers-killed",
    keepsProcess: true,
    what: "all brokers are killed at once and started again",
    async run(environment) {
      await environment.testBed.kafka.stopAll("SIGKILL");
      await environment.pass(environment.between(500, 3000));
      await environment.testBed.kafka.startAll();
      await untilWritable(environment);
    },
  },
  {
    name: "started-without-brokers",
    what: "the forwarder starts while no broker runs",
    isAlone: true,
    async run(environment) {
      await environment.forwarder.stop();
      // With SIGTERM brokers without a quorum would wait for their deadline, and then be killed.
      await environment.testBed.kafka.stopAll("SIGKILL");
      await environment.forwarder.start();
      await environment.pass(1000);
      await environment.testBed.kafka.startAll();
      await untilWritable(environment);
    },
  },
  {
    name: "leaders-moved",
    keepsProcess: true,
    what: "the replicas are put into another order, and the leaders move to the new first ones",
    async run(environment) {
      const order = environment.oneOf([
        [2, 3, 1],
        [3, 1, 2],
        [1, 3, 2],
      ]);
      const replicas = order.map((_, partition) => [...order.slice(partition), ...order.slice(0, partition)]);
      await environment.testBed.kafka.placeReplicas(environment.topic, replicas);
      // The brokers check their preferred leaders every 2 s.
      await environment.pass(3000);
    },
  },
  {
    name: "too-few-replicas",
    keepsProcess: true,
    what: "more replicas are demanded than there are: the brokers refuse every record",
    async run(environment) {
      const { kafka } = environment.testBed;
      await kafka.alterTopic(environment.topic, { ...topicConfig, "min.insync.replicas": "4" });
      await environment.pass(environment.between(2000, 4000));
      await kafka.alterTopic(environment.topic, topicConfig);
    },
  },
];

/** The environment's topics carry the broker's time, by which recovery is measured. */
export const topicConfig = { "message.timestamp.type": "LogAppendTime" };

async function restart(environment: Environment, id: number, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  const { kafka } = environment.testBed;
  await kafka.stopBroker(id, signal);
  await environment.pass(environment.between(0, 1000));
  await kafka.startBroker(id);
  await untilWritable(environment);
}

/** A fault that the brokers are still recovering from is not over: it is when another client can write everywhere. */
export async function untilWritable(environment: Environment): Promise<void> {
  await environment.testBed.kafka.accepts(environment.topic, partitionCount, probeHeaders);
}
