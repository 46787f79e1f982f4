import { utimesSync } from "node:fs";
import type { Fault } from "../fault.ts";
import type { Environment } from "../environment.ts";

const dayMs = 86_400_000;
/** Compressed days that are there before the clock is moved. */
const archives = 24;

/** The machine's clock is moved while archives are there, and is right again after seconds. */
export const clockFaults: readonly Fault[] = [
  {
    name: "clock-back-a-day",
    what: "the clock goes back by a day and is right again, twice: yesterday's name is begun next to its archive",
    needs: ["clock"],
    run: (environment) => behindArchives(environment, () => -dayMs),
  },
  {
    name: "clock-ahead-a-day",
    what: "the clock goes ahead by a day and is right again, twice: tomorrow's file is begun, then today's is continued",
    needs: ["clock"],
    run: (environment) => behindArchives(environment, () => dayMs),
  },
  {
    name: "clock-at-1970",
    what: "the clock goes to 1970 and is right again, twice: a file of that day is begun, then today's is continued",
    needs: ["clock"],
    run: (environment) => behindArchives(environment, sinceEpoch),
  },
];

/** Not before it: the clock keeps running. */
function sinceEpoch(): number {
  return -Date.now() + 10_000;
}

async function behindArchives(environment: Environment, offsetMs: () => number): Promise<void> {
  await compressedDays(environment);
  await moveTwice(environment, offsetMs);
}

/** Once while the forwarder is running, once with restarts while the clock is wrong and when it is right. */
async function moveTwice(environment: Environment, offsetMs: () => number): Promise<void> {
  for (const forwarder of ["runs", "restarts"] as const) await withClock(environment, offsetMs, forwarder);
}

/** What was written meanwhile may be read in another order: files of two days are written to alternately. */
async function withClock(
  environment: Environment,
  offsetMs: () => number,
  forwarder: "runs" | "restarts",
): Promise<void> {
  const { clock } = environment.testBed;
  if (clock === undefined) throw new Error("this machine's clock cannot be moved");
  await environment.settled();
  const from = environment.ledger.end;
  const { analysisd } = environment;
  const today = analysisd.place;
  try {
    clock.offsetMs = offsetMs();
    const isFarBack = clock.now < dayMs;
    const day = isFarBack ? new Date(clock.now) : new Date(today.day.getTime() + clock.offsetMs);
    await analysisd.turnTo({ day, part: 0 });
    environment.ledger.allowLate(from, environment.ledger.end);
    await environment.pass(environment.between(300, 1500));
    if (forwarder === "restarts") await restart(environment, from);
    await environment.pass(environment.between(300, 1500));
    analysisd.flush();
    utimesSync(analysisd.datedFile, clock.now / 1000, clock.now / 1000);
  } finally {
    clock.offsetMs = 0;
    await analysisd.turnTo(today);
    environment.ledger.allowLate(from, environment.ledger.end);
  }
  await environment.pass(environment.between(300, 1500));
  if (forwarder === "restarts") await restart(environment, from);
}

async function restart(environment: Environment, from: number): Promise<void> {
  if (environment.random() < 0.5) await environment.forwarder.kill();
  else await environment.forwarder.stop();
  await environment.pass(environment.between(0, 500));
  environment.ledger.allowLate(from, environment.ledger.end);
  await environment.forwarder.start();
}

async function compressedDays(environment: Environment): Promise<void> {
  for (let day = 0; day < archives; day++) {
    const path = environment.analysisd.datedFile;
    environment.analysisd.emit(2, true);
    await environment.analysisd.rotate({ isNewDay: true });
    await environment.pass(environment.between(0, 100));
    environment.analysisd.compress(path);
  }
}
