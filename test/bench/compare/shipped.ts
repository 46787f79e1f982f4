import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { digestTopic, recordAt, type RecordDigest, type TopicDigest } from "../../rig/digest-topic.ts";
import { eventually } from "../../rig/eventually.ts";
import type { Kafka } from "../../rig/kafka.ts";
import type { Program } from "../../rig/program.ts";
import type { Build, Stage } from "../stage.ts";
import { lastAlertId, type ComparedLog } from "./logs.ts";

const arriveWithinMs = 600_000;

/** What a build made of a log, in one topic for passthrough and one for the other handlers, and of what it could not ship. */
export interface Shipped {
  readonly topics: readonly ShippedTopic[];
  /** In the order of their places: reason, offset, length and bytes. */
  readonly deadLetters: readonly string[];
}

export interface ShippedTopic {
  readonly handlers: string;
  readonly digest: TopicDigest;
  readonly records: readonly RecordDigest[];
  /** Its name. */
  readonly topic: string;
}

/** Ships a log by the tail, with gzip, and stops the forwarder when the last alert is in each topic. */
export async function ship(stage: Stage, log: ComparedLog, build: Build): Promise<Shipped> {
  const kafka = await stage.kafka();
  const records = await stage.newTopic();
  const passthrough = await stage.newTopic();
  const stateDir = stage.newDirectory("state");
  const config = stage.configure({
    state_dir: stateDir,
    dfn: { customer_id: records, ...(log.ownNetwork !== undefined && { own_network: log.ownNetwork }) },
    sources: { socket: "off", tail: { path: log.path, start: "beginning" } },
    sink: { kafka: { brokers: kafka.addresses, compression: "gzip" } },
    handlers: {
      ...(log.handlers === "passthrough" && { windows: "off", fail2ban: "off" }),
      ...(log.handlers !== "windows" && { passthrough: { topic: passthrough } }),
    },
  });
  const used = [
    ...(log.handlers === "passthrough" ? [] : [{ handlers: "windows, fail2ban", topic: records }]),
    ...(log.handlers === "windows" ? [] : [{ handlers: "passthrough", topic: passthrough }]),
  ];
  await using forwarder = stage.forwarder(config, build);
  for (const { topic } of used) await lastArrives(kafka, topic, forwarder);
  const { ended } = await forwarder.stop();
  if (ended !== 0) throw new Error(`the forwarder ended with ${ended}: ${forwarder.errorLines.slice(-20).join("\n")}`);
  const topics: ShippedTopic[] = [];
  for (const one of used) {
    const each: RecordDigest[] = [];
    const digest = await digestTopic(kafka.addresses, one.topic, (record) => each.push(record));
    topics.push({ ...one, digest, records: each });
  }
  return { topics, deadLetters: lettersOf(join(stateDir, "dead-letters")) };
}

/** Resolves when the last alert's record is a topic's last one. */
async function lastArrives(kafka: Kafka, topic: string, forwarder: Program): Promise<void> {
  const state = async (): Promise<"there" | "ended" | false> => {
    const hasEnded = forwarder.ended !== undefined;
    const last = await recordAt(kafka.addresses, topic, "last");
    const [, id] = last?.headers.find(([name]) => name === "wazuh-alert-id") ?? [];
    if (id?.toString() === lastAlertId) return "there";
    return hasEnded && "ended";
  };
  if ((await eventually(`the last alert in ${topic}`, state, { withinMs: arriveWithinMs })) === "ended") {
    throw new Error(`the forwarder ended with ${forwarder.ended}: ${forwarder.errorLines.slice(-20).join("\n")}`);
  }
}

interface Letter {
  readonly reason: string;
  readonly handler?: string;
  readonly place: { readonly offset: number; readonly length: number };
  readonly raw?: string;
}

/** Of all files, in the order of their places; the time of day and where the log is are left out. */
function lettersOf(directory: string): string[] {
  const files = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith(".ndjson")) : [];
  const lines = files.flatMap((name) => readFileSync(join(directory, name), "utf8").trimEnd().split("\n"));
  const letters = lines.filter((line) => line !== "").map((line): Letter => JSON.parse(line));
  return letters
    .map(({ reason, handler, place, raw }) => ({ offset: place.offset, reason, handler, length: place.length, raw }))
    .toSorted((a, b) => a.offset - b.offset)
    .map((letter) => JSON.stringify(letter));
}
