import { chmodSync } from "node:fs";
import { eventually } from "../../rig/eventually.ts";
import type { Fault } from "../fault.ts";
import { partitionCount, type Environment } from "../environment.ts";
import { statusSays } from "./support.ts";

const largeRecords = 40;
const largeBytes = 50_000;
/** Longer than a handshake with its certificates and than any answer except that to a Fetch. */
const longestAnswerBytes = 8192;

/** What happens to the look-up after a crash, which prevents duplicates. */
export const lookupFaults: readonly Fault[] = [
  {
    name: "lookup-hangs",
    what: "SIGKILL, and for seconds the brokers take connections and do not answer the Fetch of the look-up",
    run: (environment) => hang(environment, environment.testBed.relays.length),
  },
  {
    name: "lookup-hangs-at-one-broker",
    what: "SIGKILL, and for seconds one of the brokers does not answer the Fetch of the look-up",
    run: (environment) => hang(environment, 1),
  },
];

/** @param brokers how many of them do not answer */
async function hang(environment: Environment, brokers: number): Promise<void> {
  const roads = environment.testBed.relays.map(({ road }) => road);
  const first =
    (await environment.testBed.kafka.leaderOf(environment.topic, environment.between(0, partitionCount - 1))) - 1;
  const hanging = roads.filter((_, index) => (index - first + roads.length) % roads.length < brokers);
  await environment.settled();
  // Without a checkpoint that passes them, all records sent from here on have to be looked up.
  chmodSync(environment.stateDir, 0o555);
  try {
    for (let large = 0; large < largeRecords; large++) environment.write(true, { denseBytes: largeBytes });
    await environment.settled();
    await environment.forwarder.kill();
  } finally {
    chmodSync(environment.stateDir, 0o755);
  }
  for (const road of hanging) Object.assign(road, { longestAnswerBytes, held: 0 });
  try {
    await environment.forwarder.start();
    await eventually("an answer that is held back", () => hanging.some(({ held }) => held > 0));
    await statusSays(environment, /"waitsFor":"the answer to Fetch from offset \d+ of \d+"/);
    await environment.pass(environment.between(3000, 6000));
  } finally {
    for (const road of hanging) road.longestAnswerBytes = 0;
  }
}
