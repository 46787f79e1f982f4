import { utimesSync } from "node:fs";
import type { Fault } from "../fault.ts";
import type { Stage } from "../stage.ts";
import { topicConfig } from "./brokers.ts";
import { statusSays } from "./support.ts";

const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** The clients' time counts, and an hour more or less is refused: the first is what Kafka 4 does by itself. */
const strictTopic = {
  "message.timestamp.type": "CreateTime",
  "message.timestamp.after.max.ms": String(hourMs),
  "message.timestamp.before.max.ms": String(hourMs),
};
/** Compressed days that are there before the clock is moved. */
const archives = 3;

/** The machine's clock is moved, while archives are there, and right again after seconds. */
export const clockFaults: readonly Fault[] = [
  {
    name: "clock-back-a-day",
    what: "the clock goes back by a day: yesterday's name is begun beside its archive, then today's file goes on",
    needs: ["clock"],
    run: (stage) => withClock(stage, () => -dayMs, "running"),
  },
  {
    name: "clock-back-a-day-and-restarted",
    what: "the same, with the forwarder restarted while the clock is wrong, and again when it is right",
    needs: ["clock"],
    run: (stage) => withClock(stage, () => -dayMs, "restarted"),
  },
  {
    name: "clock-ahead-a-day",
    what: "the clock goes ahead by a day, and back: tomorrow's file is begun, then today's goes on",
    needs: ["clock"],
    run: (stage) => withClock(stage, () => dayMs, "running"),
  },
  {
    name: "clock-ahead-a-day-and-restarted",
    what: "the same, with the forwarder restarted while the clock is wrong, and again when it is right",
    needs: ["clock"],
    run: (stage) => withClock(stage, () => dayMs, "restarted"),
  },
  {
    name: "clock-at-1970",
    what: "the clock goes to 1970: that day's file is begun, then today's goes on",
    needs: ["clock"],
    run: (stage) => withClock(stage, sinceEpoch, "running"),
  },
  {
    name: "clock-at-1970-and-restarted",
    what: "the same, with the forwarder restarted while the clock is wrong, and again when it is right",
    needs: ["clock"],
    run: (stage) => withClock(stage, sinceEpoch, "restarted"),
  },
  {
    name: "clock-two-hours-ahead",
    what: "the clock is two hours ahead of brokers that refuse an hour; the status names the clock, nothing is a dead letter",
    needs: ["clock"],
    run: (stage) => againstBrokers(stage, 2 * hourMs),
  },
  {
    name: "clock-two-hours-back",
    what: "the same, two hours behind",
    needs: ["clock"],
    run: (stage) => againstBrokers(stage, -2 * hourMs),
  },
];

/** Not before it: the clock goes on. */
function sinceEpoch(): number {
  return -Date.now() + 10_000;
}

async function withClock(stage: Stage, offsetMs: () => number, forwarder: "running" | "restarted"): Promise<void> {
  const { clock } = stage.ground;
  if (clock === undefined) throw new Error("this machine's clock cannot be moved");
  await compressedDays(stage);
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
    await stage.pass(stage.between(100, 400));
    await stage.analysisd.rotate({ isNewDay: true });
    await stage.pass(stage.between(100, 400));
    stage.analysisd.compress(path);
  }
}

/** The topic's time is the brokers' again when all has come that they refused. */
async function againstBrokers(stage: Stage, offsetMs: number): Promise<void> {
  const { clock, kafka } = stage.ground;
  if (clock === undefined) throw new Error("this machine's clock cannot be moved");
  await kafka.alterTopic(stage.topic, strictTopic);
  try {
    clock.offsetMs = offsetMs;
    stage.write(true);
    await statusSays(stage, /clock/i, 15_000);
    await stage.pass(stage.between(500, 3000));
    clock.offsetMs = 0;
    await stage.settled();
  } finally {
    clock.offsetMs = 0;
    await kafka.alterTopic(stage.topic, topicConfig);
  }
}
