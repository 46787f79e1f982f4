import { formatBrokerAddress } from "./broker-address.ts";
import type { Metadata, TopicMetadata } from "./requests.ts";
import { kafkaCodes } from "../protocol/errors.ts";

/** This many brokers have to say that a topic is older or smaller than it was, before it is believed. */
const witnesses = 2;

/** An answer about all topics, and who gave it. */
export interface Answer extends Metadata {
  /** `host:port` that was asked. */
  readonly from: string;
}

/**
 * What an answer was worth: news, nothing new, or an older state than the one that is known already, as a broker
 * gives it that is cut off from the controllers.
 */
export type Worth = "news" | "same" | "older";

/**
 * What is known of one topic. Each leader has an epoch that grows with every change (KIP-320), so an older answer is
 * known as such. It is believed when another broker says it too: then the topic was deleted and created again, and its
 * epochs began at 0.
 */
export class TopicView {
  /** Error code of the newest answer, 0 for none, undefined before the first. */
  code: number | undefined;
  /** Leader's address per partition; undefined while a partition has none. */
  leaders: readonly (string | undefined)[] = [];
  /** Per partition; -1 if brokers do not report it. */
  #epochs: readonly number[] = [];
  readonly #sayOlder = new Set<string>();

  /** Applies what an answer says about this topic, unless it is out of date. */
  take({ code, partitions }: TopicMetadata, { from, brokers }: Answer): Worth {
    if (code !== kafkaCodes.NONE) {
      // While a topic has an error its former partitions stay known: the records are on their way to them.
      const isNew = this.code !== code;
      this.code = code;
      return isNew ? "news" : "same";
    }
    const addresses = new Map(brokers.map((broker) => [broker.nodeId, formatBrokerAddress(broker)]));
    const leaders = Array.from<string | undefined>({ length: partitions.length });
    const epochs = Array.from<number>({ length: partitions.length }).fill(-1);
    for (const { partition, leader, epoch } of partitions) {
      // Partitions are numbered from 0 without gaps.
      if (partition < 0 || partition >= leaders.length) continue;
      leaders[partition] = addresses.get(leader);
      epochs[partition] = epoch;
    }
    if (this.#isOlder(epochs)) {
      this.#sayOlder.add(from);
      if (this.#sayOlder.size < Math.min(witnesses, brokers.length)) return "older";
    }
    this.#sayOlder.clear();
    const isSame =
      this.code === kafkaCodes.NONE &&
      leaders.length === this.leaders.length &&
      leaders.every((leader, partition) => leader !== undefined && leader === this.leaders[partition]);
    this.code = kafkaCodes.NONE;
    this.leaders = leaders;
    this.#epochs = epochs;
    return isSame ? "same" : "news";
  }

  #isOlder(epochs: readonly number[]): boolean {
    if (epochs.length < this.#epochs.length) return true;
    return this.#epochs.some((known, partition) => {
      const epoch = epochs[partition] ?? -1;
      return epoch >= 0 && epoch < known;
    });
  }
}
