import { eventually } from "../../rig/eventually.ts";
import { Program } from "../../rig/program.ts";
import type { Fault } from "../fault.ts";
import { brokerCount } from "../ground.ts";
import { partitionCount, type Stage } from "../stage.ts";
import { topicConfig, untilWritable } from "./brokers.ts";

const leader = 1;
const other = 2;

/** What Kafka has acknowledged and loses. */
export const truncationFaults: readonly Fault[] = [
  {
    name: "unclean-election",
    what: "a leader is lost with records that only it had, and a replica without them leads; what the log says to do brings them back",
    // What was not lost and was written in the same seconds is sent again as well.
    copies: true,
    isAlone: true,
    async run(stage) {
      const { kafka } = stage.ground;
      const isAllowed = { "min.insync.replicas": "1", "unclean.leader.election.enable": "true" };
      await kafka.alterTopic(stage.topic, { ...topicConfig, ...isAllowed });
      // The third broker keeps the controllers' quorum.
      await place(stage, [leader, other]);
      await stage.settled();
      await kafka.stopBroker(other, "SIGKILL");
      await inSync(stage, [leader]);
      const from = stage.ledger.end;
      await stage.pass(stage.between(1000, 2500));
      await stage.settled();
      const named = Promise.all(
        Array.from({ length: partitionCount }, (_, of) => stage.forwarder.waitForLog(lossOf(`${stage.topic}/${of}`))),
      );
      await kafka.stopBroker(leader, "SIGKILL");
      // What only it had is gone, and what it acknowledged until then.
      stage.ledger.forget(from, stage.ledger.end);
      await kafka.startBroker(other);
      const losses = await named;
      await kafka.startBroker(leader);
      await place(stage, [1, 2, 3]);
      await kafka.alterTopic(stage.topic, topicConfig);
      await untilWritable(stage);
      for (const loss of losses) await follow(stage, loss);
      await stage.settled();
    },
  },
];

/** What the forwarder's log says of it. */
function lossOf(partition: string): RegExp {
  return new RegExp(`${partition} has lost records that it had acknowledged: offsets`);
}

/** Runs the command that the log names, as the administrator does who reads it. */
async function follow(stage: Stage, loss: string): Promise<void> {
  const words = / wazuh-dfn (replay [^(]+) \(once the log was rotated/.exec(loss)?.[1]?.split(" ");
  if (words === undefined) throw new Error(`no command in: ${loss}`);
  const { ground } = stage;
  const [file, args] = ground.forwarderCommand([ground.bundle, ...words, "--config", stage.configure()]);
  await using program = new Program(file, args);
  const ended = await program.end();
  if (ended !== 0) throw new Error(`${words.join(" ")} ended with ${ended}: ${program.errorLines.join("; ")}`);
}

async function place(stage: Stage, replicas: readonly number[]): Promise<void> {
  await stage.ground.kafka.placeReplicas(
    stage.topic,
    Array.from({ length: partitionCount }, () => replicas),
  );
  await inSync(stage, replicas);
  if (replicas.length === brokerCount) return;
  await eventually("the first replica to lead", async () => {
    const leaders = Array.from({ length: partitionCount }, (_, of) => stage.ground.kafka.leaderOf(stage.topic, of));
    return (await Promise.all(leaders)).every((id) => id === replicas[0]);
  });
}

async function inSync(stage: Stage, replicas: readonly number[]): Promise<void> {
  const wanted = replicas.toSorted((a, b) => a - b).join();
  await eventually(`${wanted} in sync`, async () => {
    const found = await stage.ground.kafka.inSync(stage.topic);
    return found.every((of) => of.toSorted((a, b) => a - b).join() === wanted);
  });
}
