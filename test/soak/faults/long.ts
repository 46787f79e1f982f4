import { setImmediate as nextTurn } from "node:timers/promises";
import { eventually } from "../../rig/eventually.ts";
import { AlertStream } from "../../rig/alert-stream.ts";
import { inTime, type Fault } from "../fault.ts";
import { bounds } from "../judge.ts";
import type { Stage } from "../stage.ts";

/** Six hours at 100 alerts a second. */
const outageAlerts = 6 * 3600 * 100;
/** About 1 GB. */
const backlogAlerts = 1_000_000;
const relevantEvery = 10;
const perDay = 300_000;
const perTurn = 500;
const drainedWithinMs = 1_200_000;
const kills = 300;

/** What takes minutes, and is run by name. */
export const longFaults: readonly Fault[] = [
  {
    name: "outage-of-hours",
    what: `no broker answers while ${outageAlerts} alerts come, six hours' worth: as many bytes, in less time`,
    isLong: true,
    async run(stage) {
      const { relays } = stage.ground;
      for (const relay of relays) relay.road.isStalled = true;
      try {
        await write(stage, outageAlerts);
      } finally {
        for (const relay of relays) relay.road.isStalled = false;
      }
      await live(stage);
      await stage.settled(drainedWithinMs);
    },
  },
  {
    name: "away-for-days",
    what: `the forwarder is away while ${backlogAlerts} alerts come, on several days, which are compressed`,
    isLong: true,
    async run(stage) {
      await stage.forwarder.stop();
      await write(stage, backlogAlerts);
      await stage.forwarder.start();
      const readyMs = stage.forwarder.times.readyMs.at(-1) ?? 0;
      inTime("the start", readyMs, bounds.readyMs);
      await live(stage);
      await stage.settled(drainedWithinMs);
    },
  },
  {
    name: "killed-for-long",
    what: `SIGKILL ${kills} times, every one to three seconds, under load`,
    isLong: true,
    async run(stage) {
      for (let round = 0; round < kills; round++) {
        await stage.pass(stage.between(1000, 3000));
        await stage.forwarder.kill();
        await stage.forwarder.start();
      }
    },
  },
];

/** As fast as it goes; every so many alerts a day is over. */
async function write(stage: Stage, alerts: number): Promise<void> {
  for (let written = 0; written < alerts; written += perTurn) {
    for (let index = 0; index < perTurn; index++) stage.analysisd.emit(1, index % relevantEvery === 0);
    await nextTurn();
    if (written % perDay !== perDay - perTurn) continue;
    const day = stage.analysisd.datedFile;
    await stage.analysisd.rotate({ isNewDay: true });
    stage.analysisd.compress(day);
  }
  stage.analysisd.flush();
}

/** What comes by the socket does not wait until all has been read that came before. */
async function live(stage: Stage): Promise<void> {
  // integratord calls one after the other: this alert would overtake its.
  await stage.stopCaller();
  let isSeen = false;
  const wroteMs = performance.now();
  const { sequence, line } = stage.write(true);
  stage.referee.whenSeen(sequence, () => (isSeen = true));
  await using stream = await AlertStream.connect(stage.socketPath);
  await stream.send(line);
  await eventually("an alert by the socket", () => isSeen);
  const tookMs = performance.now() - wroteMs;
  stage.startCaller();
  inTime("an alert by the socket", tookMs, bounds.recoveryMs);
}
