import { setTimeout as delay } from "node:timers/promises";
import { digestTopic } from "../rig/digest-topic.ts";
import { present } from "../rig/present.ts";
import type { AlertSet } from "./alert-set.ts";
import type { Contestant } from "./contestants/contestant.ts";
import { memoryOf, processorSeconds } from "./process-figures.ts";
import type { Stage } from "./stage.ts";

/** A program from which no record comes for this long has lost some. */
const silenceMs = 60_000;
const pollMs = 20;

/** How a program that brings alerts to a topic performed. */
export interface Run {
  /** From its start to the last record in the topic, seconds. */
  readonly seconds: number;
  /** Its processor time until then, seconds. */
  readonly processorSeconds: number;
  /** Its peak memory until then, bytes. */
  readonly peakBytes: number;
}

/**
 * Starts a program and waits until the topic, a new one, holds all that it is to send.
 * @throws Error when it ends or falls silent before that, sends too much, or other values than it should
 */
export async function carry(stage: Stage, contestant: Contestant, set: AlertSet): Promise<Run> {
  const kafka = await stage.kafka();
  const topic = await stage.newTopic();
  const { count, sha256 } = set.values[contestant.sends];
  const start = await contestant.ready(stage, set, topic);
  const startedMs = performance.now();
  await using program = start();
  const said = (): string => [...program.errorLines, ...program.outputLines].slice(-20).join("\n");
  let arrived = 0;
  let grewMs = startedMs;
  for (;;) {
    const now = await kafka.recordCount(topic);
    if (now > arrived) grewMs = performance.now();
    arrived = now;
    if (arrived >= count) break;
    if (program.ended !== undefined || performance.now() - grewMs > silenceMs) {
      const state = program.ended === undefined ? "" : `, and it ended with ${program.ended}`;
      throw new Error(`${contestant.name}: ${arrived} of ${count} records came${state}: ${said()}`);
    }
    await delay(pollMs);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const run = {
    seconds,
    processorSeconds: present(processorSeconds(program)),
    peakBytes: present(memoryOf(program).peakBytes),
  };
  await program.stop();
  const digest = await digestTopic(kafka.addresses, topic);
  if (digest.records !== count || digest.values !== sha256) {
    throw new Error(
      `${contestant.name}: ${digest.records} records, ${digest.values}; ${count}, ${sha256} were to come`,
    );
  }
  await kafka.deleteTopic(topic);
  return run;
}
