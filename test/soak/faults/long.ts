import { setImmediate as nextTurn } from "node:timers/promises";
import { eventually } from "../../rig/eventually.ts";
import { OtherPrograms } from "../../rig/other-programs.ts";
import { AlertStream } from "../../rig/alert-stream.ts";
import { inTime, type Fault } from "../fault.ts";
import { bounds } from "../judge.ts";
import type { Environment } from "../environment.ts";

/** Six hours at 100 alerts a second. */
const outageAlerts = 6 * 3600 * 100;
/** About 1 GB. */
const backlogAlerts = 1_000_000;
const relevantEvery = 10;
const perDay = 300_000;
const perTurn = 500;
const drainedWithinMs = 1_200_000;
const kills = 300;

/** Faults that take minutes, and are run by name. */
export const longFaults: readonly Fault[] = [
  {
    name: "outage-of-hours",
    what: `no broker answers while ${outageAlerts} alerts come, six hours' worth: as many bytes, in less time`,
    isLong: true,
    async run(environment) {
      const { relays } = environment.testBed;
      for (const relay of relays) relay.road.isStalled = true;
      try {
        await write(environment, outageAlerts);
      } finally {
        for (const relay of relays) relay.road.isStalled = false;
      }
      await live(environment);
      await environment.settled(drainedWithinMs);
    },
  },
  {
    name: "away-for-days",
    what: `the forwarder is away while ${backlogAlerts} alerts come, on several days, which are compressed`,
    isLong: true,
    async run(environment) {
      await environment.forwarder.stop();
      await write(environment, backlogAlerts);
      await environment.forwarder.start();
      const readyMs = environment.forwarder.times.readyMs.at(-1) ?? 0;
      inTime("the start", readyMs, bounds.readyMs);
      await live(environment);
      await environment.settled(drainedWithinMs);
    },
  },
  {
    name: "killed-for-long",
    what: `SIGKILL ${kills} times, every one to three seconds, under load`,
    isLong: true,
    async run(environment) {
      for (let round = 0; round < kills; round++) {
        await environment.pass(environment.between(1000, 3000));
        await environment.forwarder.kill();
        await environment.forwarder.start();
      }
    },
  },
];

/** As fast as possible; a day is over after a fixed number of alerts. */
async function write(environment: Environment, alerts: number): Promise<void> {
  for (let written = 0; written < alerts; written += perTurn) {
    for (let index = 0; index < perTurn; index++) environment.analysisd.emit(1, index % relevantEvery === 0);
    await nextTurn();
    if (written % perDay !== perDay - perTurn) continue;
    const day = environment.analysisd.datedFile;
    await environment.analysisd.rotate({ isNewDay: true });
    environment.analysisd.compress(day);
  }
  environment.analysisd.flush();
}

/** What comes by the socket does not wait until everything before it has been read. */
async function live(environment: Environment): Promise<void> {
  // integratord calls one after the other: this alert would overtake its own.
  await environment.stopCaller();
  let isSeen = false;
  const wroteMs = performance.now();
  const others = new OtherPrograms();
  const { sequence, line } = environment.write(true);
  environment.referee.whenSeen(sequence, () => (isSeen = true));
  await using stream = await AlertStream.connect(environment.socketPath);
  await stream.send(line);
  await eventually("an alert by the socket", () => isSeen);
  const tookMs = others.without(performance.now() - wroteMs);
  environment.startCaller();
  inTime("an alert by the socket", tookMs, bounds.recoveryMs);
}
