import type { EncodedRecords, AlertSpan } from "../../../contract.ts";
import { command, shellWord } from "../../../printable.ts";
import type { BrokerConnection } from "../connection/connection.ts";
import { classifyCode, KafkaError } from "../protocol/errors.ts";
import { fetchOffset } from "../connection/requests.ts";

/** Stretches that are kept for one partition; if there are more, neighbours are merged. */
const maxStretches = 512;
/** Files of the log that a remedy names. */
const maxFiles = 20;
/** Where the alerts of records are, unless their places say it. */
const usualFile = "/var/ossec/logs/alerts/alerts.json";

/** Records that the broker has acknowledged one after the other. */
interface Stretch extends AlertSpan {
  readonly base: number;
  readonly next: number;
}

type Place = AlertSpan["place"];

/** Acknowledged records that are not in the partition any more. */
export interface LostRecords {
  /** What happened, in words. */
  readonly text: string;
  readonly remedy: string;
}

/**
 * What a partition has acknowledged since the start: a leader that was elected without being in sync, or restored from
 * a backup, has less, and neither Kafka nor a producer's numbers show that.
 */
export class Acknowledged {
  readonly #name: string;
  #stretches: Stretch[] = [];

  /** @param name `topic/partition` */
  constructor(name: string) {
    this.#name = name;
  }

  /** The offset behind the last acknowledged record; undefined if there is none. */
  get end(): number | undefined {
    return maximum(this.#stretches.map(({ next }) => next));
  }

  /** Number of stretches kept: at most 512. */
  get size(): number {
    return this.#stretches.length;
  }

  /** The topic is gone: nothing is expected to be there. */
  forget(): void {
    this.#stretches = [];
  }

  /** A batch was acknowledged at this offset. */
  add(base: number, { count, span }: Pick<EncodedRecords, "count" | "span">): void {
    this.#stretches.push({ base, next: base + count, ...span });
    if (this.#stretches.length > maxStretches) this.#halve();
  }

  /**
   * Compares with where the partition ends. What is beyond that is reported once.
   * @param end the offset behind the last record of the leader's log, replicated or not; or one that another record got
   */
  compare(end: number): LostRecords | undefined {
    const lost = this.#stretches.filter(({ next }) => next > end);
    const last = this.end;
    if (lost.length === 0 || last === undefined) return undefined;
    this.#stretches = this.#stretches
      .filter(({ base }) => base < end)
      .map((stretch) => ({ ...stretch, next: Math.min(stretch.next, end) }));
    const first = Math.max(minimum(lost.map(({ base }) => base)) ?? end, end);
    const seconds = lost.flatMap(({ firstSecond, lastSecond }) => [firstSecond, lastSecond]);
    const known = seconds.filter((second) => second !== undefined);
    return {
      text: `${this.#name} has lost records that it had acknowledged: offsets ${first} to ${last - 1}, whose log then ended at ${end} (a leader that was not in sync, a restored broker, or the topic was created again)`,
      remedy: remedy(
        minimum(known),
        maximum(known),
        lost.map(({ place }) => place),
      ),
    };
  }

  #halve(): void {
    const halved: Stretch[] = [];
    for (let at = 0; at < this.#stretches.length; at += 2) {
      const [one, other] = this.#stretches.slice(at, at + 2);
      if (one === undefined) continue;
      const seconds = [one.firstSecond, one.lastSecond, other?.firstSecond, other?.lastSecond];
      const known = seconds.filter((second) => second !== undefined);
      const next = other?.next ?? one.next;
      const place = other === undefined ? one.place : beginningOf([one.place, other.place]);
      halved.push({ ...one, next, firstSecond: minimum(known), lastSecond: maximum(known), place });
    }
    this.#stretches = halved;
  }
}

/**
 * Where the leader's log ends, if it ends before an offset that was acknowledged; else undefined, as from a broker that
 * does not report it to clients.
 * @throws KafkaError when the broker does not lead the partition; what the connection failed with
 */
export async function shorterEnd(
  connection: BrokerConnection,
  topic: string,
  partition: number,
  acknowledged: number,
): Promise<number | undefined> {
  // A new leader knows only after a moment how far the others have followed, so its log itself counts. But a broker
  // that does not lead the partition reports the end of its log too: so the question for leaders alone comes first and last.
  if ((await fetchOffset(connection, topic, partition, "next")) >= acknowledged) return undefined;
  try {
    const end = await fetchOffset(connection, topic, partition, "log-end");
    if (end >= acknowledged) return undefined;
    await fetchOffset(connection, topic, partition, "next");
    return end;
  } catch (reason) {
    if (reason instanceof KafkaError && !classifyCode(reason.code).isStale) return undefined;
    throw reason;
  }
}

function minimum(numbers: readonly number[]): number | undefined {
  return numbers.length === 0 ? undefined : numbers.reduce((one, other) => Math.min(one, other));
}

function maximum(numbers: readonly number[]): number | undefined {
  return numbers.length === 0 ? undefined : numbers.reduce((one, other) => Math.max(one, other));
}

/** The first of these places, if all are known and in one file. */
function beginningOf(places: readonly Place[]): Place {
  let first: Place;
  for (const place of places) {
    if (place === undefined) return undefined;
    if (first !== undefined && place.file !== first.file) return undefined;
    if (first === undefined || place.offset < first.offset) first = place;
  }
  return first;
}

function remedy(from: number | undefined, to: number | undefined, places: readonly Place[]): string {
  const cause =
    "set unclean.leader.election.enable=false and a replication factor of 3 with min.insync.replicas=2, so that it does not happen again";
  if (from === undefined || to === undefined) {
    return `send the alerts of that time again with wazuh-dfn replay --from TIME --to TIME FILE; ${cause}`;
  }
  const [first, behind] = [iso(from), iso(to + 1)];
  const rotated = command`wazuh-dfn replay --from ${first} --to ${behind}`;
  const place = beginningOf(places);
  const known = [...new Set(places.flatMap((one) => (one === undefined ? [] : [one.file])))].slice(0, maxFiles);
  const files = known.length === 0 ? [usualFile] : known;
  const again =
    place === undefined
      ? [rotated, ...files.map(shellWord)].join(" ")
      : command`wazuh-dfn replay --at ${`${place.file}:${place.offset}`} --from ${first} --to ${behind}`;
  return `send their alerts again with: ${again} (once the log was rotated: ${rotated} FILE, with the archive of that day); ${cause}`;
}

function iso(second: number): string {
  return new Date(second * 1000).toISOString().replace(".000", "");
}
