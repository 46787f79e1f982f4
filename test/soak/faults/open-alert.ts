import { statSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { eventually } from "../../rig/eventually.ts";
import { readTopic } from "../../rig/read-topic.ts";
import { timestampOf } from "../alerts.ts";
import type { Fault } from "../fault.ts";
import { fetchText } from "../looks.ts";
import type { Environment } from "../environment.ts";
import { check, figureOf, statusSays, withoutLoad } from "./support.ts";

const ignoredLines = 5_000_000;
const linesAtOnce = 50_000;
const readWithinMs = 300_000;
const started = /"msg":"started"/;
let count = 0;

/** What happens behind, or to, alerts that have no outcome yet. */
export const openAlertFaults: readonly Fault[] = [
  {
    name: "open-alert-under-ignored-lines",
    what: `the topic of one alert is missing while ${ignoredLines} ignored lines come: memory stays bounded`,
    isAlone: true,
    run: (environment) =>
      withOpenAlert(environment, () =>
        withoutLoad(environment, async () => {
          // It would be called for hours, one line after the other.
          await environment.stopCaller();
          const before = (await figureOf(environment, "ignored")) ?? 0;
          const block = Buffer.from('{"rule":{}}\n'.repeat(linesAtOnce));
          for (let written = 0; written < ignoredLines; written += linesAtOnce) {
            environment.writeBytes(block);
            await nextTurn();
          }
          environment.analysisd.flush();
          const areRead = async (): Promise<boolean> =>
            ((await figureOf(environment, "ignored")) ?? 0) >= before + ignoredLines;
          await eventually("all ignored lines read", areRead, { withinMs: readWithinMs });
          environment.startCaller();
          check((await figureOf(environment, "in_flight")) === 1, "the open alert is not in flight any more");
        }),
      ),
  },
  {
    name: "reloaded-with-alerts-under-way",
    keepsProcess: true,
    what: "SIGHUP, several times, while no broker answers and alerts are in flight: the figures stay true",
    async run(environment) {
      await withoutLoad(environment, async () => {
        await environment.settled();
        const lines = environment.between(100, 600);
        const readBefore = await settledRead(environment);
        const { relays } = environment.testBed;
        for (const relay of relays) relay.road.isStalled = true;
        try {
          environment.analysisd.emit(lines);
          environment.analysisd.flush();
          await eventually("alerts in flight", async () => ((await figureOf(environment, "in_flight")) ?? 0) > 0);
          for (let round = environment.between(2, 4); round > 0; round--) {
            environment.settings = { ...environment.settings, limits: { memory: `${environment.between(32, 64)}MiB` } };
            environment.configure();
            await environment.forwarder.reload(started);
            await environment.pass(environment.between(0, 500));
          }
        } finally {
          for (const relay of relays) relay.road.isStalled = false;
        }
        await environment.settled();
        const read = (await settledRead(environment)) - readBefore;
        check(read === lines, `${lines} lines were written, and it says that it read ${read}`);
      });
    },
  },
];

/** Alerts of one kind go to a topic that does not exist yet; one arrives, and has no outcome until `during` is over. */
export async function withOpenAlert(environment: Environment, during: () => Promise<void>): Promise<void> {
  const topic = `${environment.topic}-open-${count++}`;
  const former = environment.settings;
  environment.settings = { ...former, handlers: { passthrough: { topic, location: topic } } };
  environment.configure();
  await environment.forwarder.reload(started);
  const { kafka } = environment.testBed;
  const id = `${Math.floor(Date.now() / 1000)}.${count}`;
  try {
    const alert = { timestamp: timestampOf(environment.ledger.end), rule: { level: 3 }, id, location: topic };
    environment.writeBytes(`${JSON.stringify(alert)}\n`);
    environment.analysisd.flush();
    await statusSays(environment, new RegExp(topic));
    await during();
  } finally {
    await kafka.createTopic(topic, { partitions: 1 });
    environment.settings = former;
    environment.configure();
  }
  const isDone = async (): Promise<boolean> => (await figureOf(environment, "in_flight")) === 0;
  const isSent = async (): Promise<boolean> => (await readTopic(kafka.addresses, topic)).length > 0;
  await withoutLoad(environment, async () => {
    // A process that has just started has nothing in flight either.
    await eventually("the open alert in its topic", isSent);
    await eventually("nothing in flight", isDone);
  });
  const records = await readTopic(kafka.addresses, topic);
  check(records.length === 1, `the open alert is ${records.length} times in its topic`);
  await environment.forwarder.reload(started);
  await kafka.deleteTopic(topic);
}

/** Lines of the log that were read, when the tail has come to the end of it and nothing is in flight. */
async function settledRead(environment: Environment): Promise<number> {
  let read: number | undefined;
  const isSettled = async (): Promise<boolean> => {
    if (!(await isAtEnd(environment))) return false;
    read = await figureOf(environment, "read");
    return (await figureOf(environment, "in_flight")) === 0;
  };
  await eventually("the end of the log", isSettled);
  return read ?? 0;
}

/** Whether the tail has handed on every byte of alerts.json. */
async function isAtEnd({ statusPath, analysisd }: Environment): Promise<boolean> {
  const status: unknown = JSON.parse((await fetchText(statusPath, "/status")) ?? "{}");
  if (!hasLog(status)) return false;
  const { state, offset } = status.log;
  return state === "following" && offset === statSync(analysisd.alertsJson).size;
}

function hasLog(status: unknown): status is { readonly log: { readonly state?: unknown; readonly offset?: unknown } } {
  return (
    typeof status === "object" &&
    status !== null &&
    "log" in status &&
    typeof status.log === "object" &&
    status.log !== null
  );
}
