import { statSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { eventually } from "../../rig/eventually.ts";
import { readTopic } from "../../rig/read-topic.ts";
import { timestampOf } from "../alerts.ts";
import type { Fault } from "../fault.ts";
import { fetchText } from "../looks.ts";
import type { Stage } from "../stage.ts";
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
    run: (stage) =>
      withOpenAlert(stage, () =>
        withoutLoad(stage, async () => {
          // It would be called for hours, one line after the other.
          await stage.stopCaller();
          const before = (await figureOf(stage, "ignored")) ?? 0;
          const block = Buffer.from('{"rule":{}}\n'.repeat(linesAtOnce));
          for (let written = 0; written < ignoredLines; written += linesAtOnce) {
            stage.writeBytes(block);
            await nextTurn();
          }
          stage.analysisd.flush();
          const areRead = async (): Promise<boolean> =>
            ((await figureOf(stage, "ignored")) ?? 0) >= before + ignoredLines;
          await eventually("all ignored lines read", areRead, { withinMs: readWithinMs });
          stage.startCaller();
          check((await figureOf(stage, "in_flight")) === 1, "the open alert is not under way any more");
        }),
      ),
  },
  {
    name: "reloaded-with-alerts-under-way",
    what: "SIGHUP, several times, while no broker answers and alerts are under way: the figures stay true",
    async run(stage) {
      await withoutLoad(stage, async () => {
        await stage.settled();
        const lines = stage.between(100, 600);
        const readBefore = await settledRead(stage);
        const { relays } = stage.ground;
        for (const relay of relays) relay.road.isStalled = true;
        try {
          stage.analysisd.emit(lines);
          stage.analysisd.flush();
          await eventually("alerts under way", async () => ((await figureOf(stage, "in_flight")) ?? 0) > 0);
          for (let round = stage.between(2, 4); round > 0; round--) {
            stage.settings = { ...stage.settings, limits: { memory: `${stage.between(32, 64)}MiB` } };
            stage.configure();
            await stage.forwarder.reload(started);
            await stage.pass(stage.between(0, 500));
          }
        } finally {
          for (const relay of relays) relay.road.isStalled = false;
        }
        await stage.settled();
        const read = (await settledRead(stage)) - readBefore;
        check(read === lines, `${lines} lines were written, and it says that it read ${read}`);
      });
    },
  },
];

/** Alerts of one place go to a topic that is not there yet; one comes, and has no outcome until `during` is over. */
export async function withOpenAlert(stage: Stage, during: () => Promise<void>): Promise<void> {
  const topic = `${stage.topic}-open-${count++}`;
  const former = stage.settings;
  stage.settings = { ...former, handlers: { passthrough: { topic, location: topic } } };
  stage.configure();
  await stage.forwarder.reload(started);
  const { kafka } = stage.ground;
  const id = `${Math.floor(Date.now() / 1000)}.${count}`;
  try {
    const alert = { timestamp: timestampOf(stage.ledger.end), rule: { level: 3 }, id, location: topic };
    stage.writeBytes(`${JSON.stringify(alert)}\n`);
    stage.analysisd.flush();
    await statusSays(stage, new RegExp(topic));
    await during();
  } finally {
    await kafka.createTopic(topic, { partitions: 1 });
    stage.settings = former;
    stage.configure();
  }
  const isDone = async (): Promise<boolean> => (await figureOf(stage, "in_flight")) === 0;
  const isSent = async (): Promise<boolean> => (await readTopic(kafka.addresses, topic)).length > 0;
  await withoutLoad(stage, async () => {
    // A process that has just begun has nothing under way either.
    await eventually("the open alert in its topic", isSent);
    await eventually("nothing under way", isDone);
  });
  const records = await readTopic(kafka.addresses, topic);
  check(records.length === 1, `the open alert is ${records.length} times in its topic`);
  await stage.forwarder.reload(started);
  await kafka.deleteTopic(topic);
}

/** Lines of the log that were read, when the tail has come to the end of it and nothing is under way. */
async function settledRead(stage: Stage): Promise<number> {
  let read: number | undefined;
  const isSettled = async (): Promise<boolean> => {
    if (!(await isAtEnd(stage))) return false;
    read = await figureOf(stage, "read");
    return (await figureOf(stage, "in_flight")) === 0;
  };
  await eventually("the end of the log", isSettled);
  return read ?? 0;
}

/** Whether the tail has handed on every byte of alerts.json. */
async function isAtEnd({ statusPath, analysisd }: Stage): Promise<boolean> {
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
