import { rmSync, utimesSync } from "node:fs";
import { join } from "node:path";
import type { Fault } from "../fault.ts";
import type { Stage } from "../stage.ts";
import { stateFiles } from "./state.ts";
import { statusSays, withoutLoad } from "./support.ts";

const dayMs = 86_400_000;
/** Compressed days that are there before the clock is moved. */
const archives = 24;

/** The machine's clock is moved, while archives are there, and right again after seconds. */
export const clockFaults: readonly Fault[] = [
  {
    name: "clock-back-a-day",
    what: "the clock goes back by a day: yesterday's name is begun beside its archive, then today's file goes on",
    needs: ["clock"],
    run: (stage) => withArchives(stage, () => -dayMs, "running"),
  },
  {
    name: "clock-back-a-day-and-restarted",
    what: "the same, with the forwarder restarted while the clock is wrong, and again when it is right",
    needs: ["clock"],
    run: (stage) => withArchives(stage, () => -dayMs, "restarted"),
  },
  {
    name: "clock-ahead-a-day",
    what: "the clock goes ahead by a day, and back: tomorrow's file is begun, then today's goes on",
    needs: ["clock"],
    run: (stage) => withArchives(stage, () => dayMs, "running"),
  },
  {
    name: "clock-ahead-a-day-and-restarted",
    what: "the same, with the forwarder restarted while the clock is wrong, and again when it is right",
    needs: ["clock"],
    run: (stage) => withArchives(stage, () => dayMs, "restarted"),
  },
  {
    name: "clock-at-1970",
    what: "the clock goes to 1970: that day's file is begun, then today's goes on",
    needs: ["clock"],
    run: (stage) => withArchives(stage, sinceEpoch, "running"),
  },
  {
    name: "clock-at-1970-and-restarted",
    what: "the same, with the forwarder restarted while the clock is wrong, and again when it is right",
    needs: ["clock"],
    run: (stage) => withArchives(stage, sinceEpoch, "restarted"),
  },
  {
    name: "clock-at-1970-after-first-start",
    what: `the clock goes to 1970 after a first start at the end of the log, before which ${archives} archives were there`,
    needs: ["clock"],
    async run(stage) {
      const former = stage.settings;
      await compressedDays(stage);
      await startFirst(stage);
      await withClock(stage, sinceEpoch, stage.oneOf(["running", "restarted"]));
      await stage.settled();
      stage.settings = former;
      stage.configure();
      await stage.forwarder.reload(/"msg":"started"/);
    },
  },
];

/** The state is lost, and it begins at the end of the log: nothing of what is there is asked for. */
async function startFirst(stage: Stage): Promise<void> {
  await withoutLoad(stage, async () => {
    await stage.stopCaller();
    await stage.settled();
    await stage.forwarder.stop();
    for (const name of stateFiles) rmSync(join(stage.stateDir, name), { force: true });
    stage.settings = { ...stage.settings, sources: { socket: { path: stage.socketPath }, tail: { start: "end" } } };
    await stage.forwarder.start();
    await statusSays(stage, /following/);
    stage.startCaller();
  });
}

/** Not before it: the clock goes on. */
function sinceEpoch(): number {
  return -Date.now() + 10_000;
}

async function withArchives(...[stage, offsetMs, forwarder]: Parameters<typeof withClock>): Promise<void> {
  await compressedDays(stage);
  await withClock(stage, offsetMs, forwarder);
}

async function withClock(stage: Stage, offsetMs: () => number, forwarder: "running" | "restarted"): Promise<void> {
  const { clock } = stage.ground;
  if (clock === undefined) throw new Error("this machine's clock cannot be moved");
  await stage.settled();
  const from = stage.ledger.end;
  const { analysisd } = stage;
  const today = analysisd.place;
  try {
    clock.offsetMs = offsetMs();
    const isFarBack = clock.now < dayMs;
    const day = isFarBack ? new Date(clock.now) : new Date(today.day.getTime() + clock.offsetMs);
    await analysisd.turnTo({ day, part: 0 });
    await stage.pass(stage.between(300, 1500));
    if (forwarder === "restarted") await restart(stage, from);
    await stage.pass(stage.between(300, 1500));
    analysisd.flush();
    utimesSync(analysisd.datedFile, clock.now / 1000, clock.now / 1000);
  } finally {
    clock.offsetMs = 0;
    await analysisd.turnTo(today);
  }
  await stage.pass(stage.between(300, 1500));
  if (forwarder === "restarted") await restart(stage, from);
}

/** What stands in another day's file, and is read only after the start, comes in another order than it was written in. */
async function restart(stage: Stage, from: number): Promise<void> {
  if (stage.random() < 0.5) await stage.forwarder.kill();
  else await stage.forwarder.stop();
  await stage.pass(stage.between(0, 500));
  stage.ledger.allowLate(from, stage.ledger.end);
  await stage.forwarder.start();
}

async function compressedDays(stage: Stage): Promise<void> {
  for (let day = 0; day < archives; day++) {
    const path = stage.analysisd.datedFile;
    stage.analysisd.emit(2, true);
    await stage.analysisd.rotate({ isNewDay: true });
    await stage.pass(stage.between(0, 100));
    stage.analysisd.compress(path);
  }
}
