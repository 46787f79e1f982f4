/** What may happen to the topics, and what must be found then: kind, node and hour of each finding, and nothing else. */
import { doneOnPurpose } from "./on-purpose.ts";
import type { Sabotage } from "./sabotage-case.ts";
import { sabotagedManifests } from "./sabotaged-manifests.ts";
import { sabotagedRecords } from "./sabotaged-records.ts";
import { streamChanges } from "./stream-changes.ts";

/** Those that differ from others in arithmetic alone: a Kafka adds nothing to them. */
export const arithmeticAlone: ReadonlySet<string> = new Set([
  "the value of a record is null",
  "three records of one minute are invented, one after the other",
  "a record of one minute is deleted and another one doubled: arithmetic cannot tell",
  "the lines of a manifest do not add up",
  "a new stream goes on from another content than the one in the topic",
  "a stream is begun with a key that was replaced before",
  "a whole hour is replayed because something was missing",
  "a replay is announced, and half of it is not there",
  "an hour is announced as a whole, and a part of it by minutes",
  "the sum of a bucket is made to fit, and its digest does not",
  "dead letters are replayed",
  "a replay goes on",
]);

/** All that must be found, or must not. */
export const sabotages: readonly Sabotage[] = [
  ...sabotagedRecords,
  ...sabotagedManifests,
  ...streamChanges,
  ...doneOnPurpose,
];
