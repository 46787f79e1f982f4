import { chmodSync } from "node:fs";
import { eventually } from "../../rig/eventually.ts";
import type { Fault } from "../fault.ts";
import { partitionCount, type Stage } from "../stage.ts";
import { statusSays } from "./support.ts";

const largeRecords = 40;
const largeBytes = 50_000;
/** Longer than a handshake with its certificates and than any answer but that to a Fetch. */
const longestAnswerBytes = 8192;

/** What happens to the look-up after a crash, by which nothing is sent twice. */
export const lookupFaults: readonly Fault[] = [
  {
    name: "lookup-hangs",
    what: "SIGKILL, and for seconds the brokers take connections and do not answer the Fetch of the look-up",
    run: (stage) => hang(stage, stage.ground.relays.length),
  },
  {
    name: "lookup-hangs-at-one-broker",
    what: "SIGKILL, and for seconds one of the brokers does not answer the Fetch of the look-up",
    run: (stage) => hang(stage, 1),
  },
];

/** @param brokers how many of them do not answer */
async function hang(stage: Stage, brokers: number): Promise<void> {
  const roads = stage.ground.relays.map(({ road }) => road);
  const first = (await stage.ground.kafka.leaderOf(stage.topic, stage.between(0, partitionCount - 1))) - 1;
  const hanging = roads.filter((_, index) => (index - first + roads.length) % roads.length < brokers);
  await stage.settled();
  // Without a checkpoint behind them, all that is sent from here on has to be looked up.
  chmodSync(stage.stateDir, 0o555);
  try {
    for (let large = 0; large < largeRecords; large++) stage.write(true, { denseBytes: largeBytes });
    await stage.settled();
    await stage.forwarder.kill();
  } finally {
    chmodSync(stage.stateDir, 0o755);
  }
  for (const road of hanging) Object.assign(road, { longestAnswerBytes, held: 0 });
  try {
    await stage.forwarder.start();
    await eventually("an answer that is held back", () => hanging.some(({ held }) => held > 0));
    await statusSays(stage, /"waitsFor":"the answer to Fetch from offset \d+ of \d+"/);
    await stage.pass(stage.between(3000, 6000));
  } finally {
    for (const road of hanging) road.longestAnswerBytes = 0;
  }
}
