/**
 * `npm run bench -- --compare DIST`: both builds ship the same logs, and each record and dead letter of one must be that
 * of the other. Whoever changes the way of an alert runs it with the build before.
 */
import { say } from "../../../scripts/command.ts";
import { recordAt, type WholeRecord } from "../../rig/digest-topic.ts";
import { present } from "../../rig/present.ts";
import type { Stage } from "../stage.ts";
import { comparedLogs } from "./logs.ts";
import { ship, type Shipped, type ShippedTopic } from "./shipped.ts";

/** Where the two differ first, in a topic or in the dead letters. */
export interface Difference {
  readonly text: string;
  /** The record, if both have it and it differs. */
  readonly record?: {
    readonly topics: readonly [ours: string, other: string];
    readonly part: Part;
    readonly offset: number;
  };
}

type Part = (typeof parts)[number];

const parts = ["key", "headers", "value"] as const;
/** Of what differs, as it is shown. */
const shownBytes = 300;
const shownBefore = 60;

/**
 * Prints a line for each log and topic, and where the first difference is.
 * @returns whether all are the same
 */
export async function compareBuilds(stage: Stage): Promise<boolean> {
  let isSame = true;
  for (const log of comparedLogs(stage)) {
    say(`shipping ${log.name}`);
    const ours = await ship(stage, log, "dist");
    const other = await ship(stage, log, "other");
    for (const difference of differences(ours, other)) {
      isSame = false;
      process.stdout.write(`DIFFERENT ${log.name}, ${difference.text}\n${await shown(stage, difference)}`);
    }
    for (const { handlers, digest } of ours.topics) {
      process.stdout.write(`${log.name}, ${handlers}: ${digest.records} records, ${digest.all}\n`);
    }
    if (ours.deadLetters.length > 0) {
      process.stdout.write(`${log.name}: ${ours.deadLetters.length} dead letters\n`);
    }
  }
  process.stdout.write(isSame ? "every record and dead letter is the same\n" : "the builds differ\n");
  return isSame;
}

/** One for each topic that differs, and one for the dead letters if they do. */
export function differences(ours: Shipped, other: Shipped): Difference[] {
  const topics = ours.topics.flatMap((topic, index) => topicDifference(topic, present(other.topics[index])));
  const at = ours.deadLetters.findIndex((letter, index) => letter !== other.deadLetters[index]);
  const [one, two] = [ours.deadLetters.length, other.deadLetters.length];
  if (at < 0 && one === two) return topics;
  const first = at < 0 ? one : at;
  const letters = [ours, other].map(({ deadLetters }) => deadLetters[first]?.slice(0, shownBytes) ?? "none");
  return [...topics, { text: `dead letters: ${one} and ${two}, the first that differs: ${letters.join(" and ")}` }];
}

function topicDifference(ours: ShippedTopic, other: ShippedTopic): Difference[] {
  if (ours.digest.all === other.digest.all && ours.digest.records === other.digest.records) return [];
  const counts = `${ours.handlers}: ${ours.digest.records} and ${other.digest.records} records`;
  for (const [index, record] of ours.records.entries()) {
    const same = other.records[index];
    if (same === undefined) return [{ text: `${counts}, the other build's end before offset ${record.offset}` }];
    const part = parts.find((name) => record[name] !== same[name]);
    if (part === undefined) continue;
    const { offset } = record;
    const topics = [ours.topic, other.topic] as const;
    return [{ text: `${counts}, the ${part} at offset ${offset} differs`, record: { topics, part, offset } }];
  }
  return [{ text: `${counts}, ours end before offset ${ours.digest.records}` }];
}

/** What differs in both records, from a little before the first byte that does: ours, then the other build's. */
async function shown(stage: Stage, { record }: Difference): Promise<string> {
  if (record === undefined) return "";
  const { topics, part, offset } = record;
  const { addresses } = await stage.kafka();
  const texts: string[] = [];
  for (const topic of topics) texts.push(textOf(present(await recordAt(addresses, topic, offset)), part));
  const [ours = "", other = ""] = texts;
  let at = 0;
  while (at < ours.length && ours[at] === other[at]) at += 1;
  const from = Math.max(at - shownBefore, 0);
  return texts.map((text) => `  byte ${at}: ${JSON.stringify(text.slice(from, from + shownBytes))}\n`).join("");
}

/** A character for each byte. */
function textOf({ key, headers, value }: WholeRecord, part: Part): string {
  if (part === "headers") return headers.map(([name, text]) => `${name}: ${text?.toString("latin1")}\n`).join("");
  return (part === "key" ? key : value)?.toString("latin1") ?? "null";
}
