import { eventually } from "../../rig/eventually.ts";
import { Program } from "../../rig/program.ts";
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
    what: "a leader is lost with records that only it had, and a replica without them takes over; the command in the log brings them back",
    // What was not lost and was written in the same seconds is sent again as well.
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
      const named = Promise.all(
        Array.from({ length: partitionCount }, (_, of) =>
          environment.forwarder.waitForLog(lossOf(`${environment.topic}/${of}`)),
        ),
      );
      await kafka.stopBroker(leader, "SIGKILL");
      // What only it had is gone, and what it acknowledged until then.
      environment.ledger.forget(from, environment.ledger.end);
      await kafka.startBroker(other);
      const losses = await named;
      await kafka.startBroker(leader);
      await place(environment, [1, 2, 3]);
      await kafka.alterTopic(environment.topic, topicConfig);
      await untilWritable(environment);
      for (const loss of losses) await follow(environment, loss);
      await environment.settled();
    },
  },
];

/** What the forwarder's log says about it. */
function lossOf(partition: string): RegExp {
  return new RegExp(`${partition} has lost records that it had acknowledged: offsets`);
}

/** Runs the command in the log, as an administrator who reads it does. */
async function follow(environment: Environment, loss: string): Promise<void> {
  const words = / wazuh-dfn (replay [^(]+) \(once the log was rotated/.exec(loss)?.[1]?.split(" ");
  if (words === undefined) throw new Error(`no command in: ${loss}`);
  const { testBed } = environment;
  const [file, args] = testBed.forwarderCommand([testBed.bundle, ...words, "--config", environment.configure()]);
  await using program = new Program(file, args);
  const ended = await program.end();
  if (ended !== 0) throw new Error(`${words.join(" ")} ended with ${ended}: ${program.errorLines.join("; ")}`);
}

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
