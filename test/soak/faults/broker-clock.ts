import type { Fault } from "../fault.ts";
import type { Environment } from "../environment.ts";
import { topicConfig } from "./brokers.ts";
import { statusSays } from "./support.ts";

const hourMs = 3_600_000;
/**
 * The clients' time counts, and a difference of more than an hour is refused: the first is what Kafka 4 does by
 * default.
 */
const strictTopic = {
  "message.timestamp.type": "CreateTime",
  "message.timestamp.after.max.ms": String(hourMs),
  "message.timestamp.before.max.ms": String(hourMs),
};

/** The machine's clock is wrong, compared with the brokers, and right again after seconds. */
export const brokerClockFaults: readonly Fault[] = [
  {
    name: "clock-two-hours-ahead",
    what: "the clock is two hours ahead of brokers that refuse an hour; the status names the clock, nothing is a dead letter",
    needs: ["clock"],
    run: (environment) => against(environment, 2 * hourMs),
  },
  {
    name: "clock-two-hours-back",
    what: "the same, two hours behind",
    needs: ["clock"],
    run: (environment) => against(environment, -2 * hourMs),
  },
];

/** The topic uses the brokers' time again when everything that they refused has arrived. */
async function against(environment: Environment, offsetMs: number): Promise<void> {
  const { clock, kafka } = environment.testBed;
  if (clock === undefined) throw new Error("this machine's clock cannot be moved");
  await kafka.alterTopic(environment.topic, strictTopic);
  try {
    clock.offsetMs = offsetMs;
    environment.write(true);
    await statusSays(environment, /clock/i, 15_000);
    await environment.pass(environment.between(500, 3000));
    clock.offsetMs = 0;
    await environment.settled();
  } finally {
    clock.offsetMs = 0;
    await kafka.alterTopic(environment.topic, topicConfig);
  }
}
