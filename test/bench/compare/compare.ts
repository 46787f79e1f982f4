/**
 * `npm run bench -- --compare DIST`: both builds ship the same logs, and each record and dead letter of one must be that
 * of the other. Whoever changes the way of an alert runs it with the build before.
 */
import { say } from "../../../scripts/command.ts";
import { present } from "../../rig/present.ts";
import type { Stage } from "../stage.ts";
import { comparedLogs } from "./logs.ts";
import { ship, type Shipped, type ShippedTopic } from "./shipped.ts";

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
    for (const line of differences(ours, other)) {
      isSame = false;
      process.stdout.write(`DIFFERENT ${log.name}, ${line}\n`);
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

/** One line for each topic that differs, and one for the dead letters if they do. */
export function differences(ours: Shipped, other: Shipped): string[] {
  const topics = ours.topics.flatMap((topic, index) => topicDifference(topic, present(other.topics[index])));
  const at = ours.deadLetters.findIndex((letter, index) => letter !== other.deadLetters[index]);
  const [one, two] = [ours.deadLetters.length, other.deadLetters.length];
  if (at < 0 && one === two) return topics;
  const first = at < 0 ? one : at;
  const shown = [ours, other].map(({ deadLetters }) => deadLetters[first]?.slice(0, shownLength) ?? "none");
  return [...topics, `dead letters: ${one} and ${two}, the first that differs: ${shown.join(" and ")}`];
}

const shownLength = 300;

function topicDifference(ours: ShippedTopic, other: ShippedTopic): string[] {
  if (ours.digest.all === other.digest.all && ours.digest.records === other.digest.records) return [];
  const where = `${ours.handlers} (${ours.topic} and ${other.topic})`;
  const counts = `${ours.digest.records} and ${other.digest.records} records`;
  const parts = ["key", "headers", "value"] as const;
  for (const [index, record] of ours.records.entries()) {
    const same = other.records[index];
    const part = same === undefined ? "record" : parts.find((name) => record[name] !== same[name]);
    if (part !== undefined) return [`${where}: ${counts}, the ${part} at offset ${record.offset} differs`];
  }
  return [`${where}: ${counts}, the first ones are the same`];
}
