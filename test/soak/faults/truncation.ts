import { eventually } from "../../rig/eventually.ts";
import type { Fault } from "../fault.ts";
import { brokerCount } from "../test-bed.ts";
import { partitionCount, type Environment } from "../environment.ts";
import { topicConfig, untilWritable } from "./brokers.ts";

const leader = 1;
const other = 2;

/** What Kafka has acknowledged and loses. */
export const truncationFaults: readonly Fault[] = [
  {
    name: "unclean-election",
    what: "a leader is lost with records that only it had, and a replica without them leads; the log names their place",
    // They are read again where that is possible.
    copies: true,
    isAlone: true,
    async run(environment) {
      const { kafka } = environment.testBed;
      const isAllowed = { "min.insync.replicas": "1", "unclean.leader.election.enable": "true" };
      await kafka.alterTopic(environment.topic, { ...topicConfig, ...isAllowed });
      // The third broker keeps the controllers' quorum.
      await place(environment, [leader, other]);
      await environment.settled();
      await kafka.stopBroker(other, "SIGKILL");
      await inSync(environment, [leader]);
      const from = environment.ledger.end;
      await environment.pass(environment.between(1000, 2500));
      await environment.settled();
      const isNamed = environment.forwarder.waitForLog(lossWords);
      await kafka.stopBroker(leader, "SIGKILL");
      // What only it had is gone, and what it acknowledged until then.
      environment.ledger.letOff(from, environment.ledger.end);
      await kafka.startBroker(other);
      await isNamed;
      await kafka.startBroker(leader);
      await place(environment, [1, 2, 3]);
      await kafka.alterTopic(environment.topic, topicConfig);
      await untilWritable(environment);
    },
  },
];

/** What the forwarder's log says of it. */
const lossWords = /lost records that it had acknowledged: offsets/;

async function place(environment: Environment, replicas: readonly number[]): Promise<void> {
  await environment.testBed.kafka.placeReplicas(
    environment.topic,
    Array.from({ length: partitionCount }, () => replicas),
  );
  await inSync(environment, replicas);
  if (replicas.length === brokerCount) return;
  await eventually("the first replica to lead", async () => {
    const leaders = Array.from({ length: partitionCount }, (_, of) =>
      environment.testBed.kafka.leaderOf(environment.topic, of),
    );
    return (await Promise.all(leaders)).every((id) => id === replicas[0]);
  });
}

async function inSync(environment: Environment, replicas: readonly number[]): Promise<void> {
  const wanted = replicas.toSorted((a, b) => a - b).join();
  await eventually(`${wanted} in sync`, async () => {
    const found = await environment.testBed.kafka.inSync(environment.topic);
    return found.every((of) => of.toSorted((a, b) => a - b).join() === wanted);
  });
}
