import { utimesSync } from "node:fs";
import type { Fault } from "../fault.ts";
import type { Stage } from "../stage.ts";

const dayMs = 86_400_000;
/** Compressed days that are there before the clock is moved. */
const archives = 24;

/** The machine's clock is moved, while archives are there, and is right again after seconds. */
export const clockFaults: readonly Fault[] = [
  {
    name: "clock-back-a-day",
    what: "the clock goes back by a day and is right again, twice: yesterday's name is begun beside its archive",
    needs: ["clock"],
    run: (stage) => behindArchives(stage, () => -dayMs),
  },
  {
    name: "clock-ahead-a-day",
    what: "the clock goes ahead by a day and is right again, twice: tomorrow's file is begun, then today's goes on",
    needs: ["clock"],
    run: (stage) => behindArchives(stage, () => dayMs),
  },
  {
    name: "clock-at-1970",
    what: "the clock goes to 1970 and is right again, twice: a file of that day is begun, then today's goes on",
    needs: ["clock"],
    run: (stage) => behindArchives(stage, sinceEpoch),
  },
];

/** Not before it: the clock goes on. */
function sinceEpoch(): number {
  return -Date.now() + 10_000;
}

async function behindArchives(stage: Stage, offsetMs: () => number): Promise<void> {
  await compressedDays(stage);
  await moveTwice(stage, offsetMs);
}

/** Once while the forwarder runs, once with restarts while the clock is wrong and when it is right. */
async function moveTwice(stage: Stage, offsetMs: () => number): Promise<void> {
  for (const forwarder of ["runs", "restarts"] as const) await withClock(stage, offsetMs, forwarder);
}

/** What was written meanwhile may be read in another order: two files of two days are both written to in turns. */
async function withClock(stage: Stage, offsetMs: () => number, forwarder: "runs" | "restarts"): Promise<void> {
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
    stage.ledger.allowLate(from, stage.ledger.end);
    await stage.pass(stage.between(300, 1500));
    if (forwarder === "restarts") await restart(stage, from);
    await stage.pass(stage.between(300, 1500));
    analysisd.flush();
    utimesSync(analysisd.datedFile, clock.now / 1000, clock.now / 1000);
  } finally {
    clock.offsetMs = 0;
    await analysisd.turnTo(today);
    stage.ledger.allowLate(from, stage.ledger.end);
  }
  await stage.pass(stage.between(300, 1500));
  if (forwarder === "restarts") await restart(stage, from);
}

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
