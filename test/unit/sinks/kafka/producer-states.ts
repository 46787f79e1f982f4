import type { Produced } from "./scripted-broker.ts";

const outOfOrder = 45;
const duplicate = 46;
const invalidEpoch = 47;
const remembered = 5;

interface State {
  epoch: number;
  next: number;
  /** First sequence numbers of the newest batches. */
  recent: number[];
}

/** Judges produce requests as a leader does (Apache Kafka 4.1, ProducerAppendInfo and ProducerStateEntry). */
export class ProducerStates {
  readonly #states = new Map<bigint, State>();

  /** The error code that the leader answers with; 0: it appends. */
  judge({ producerId, epoch, sequence }: Produced): number {
    const state = this.#states.get(producerId);
    if (state === undefined) return 0;
    if (epoch < state.epoch) return invalidEpoch;
    if (epoch > state.epoch) return sequence === 0 ? 0 : outOfOrder;
    if (state.recent.includes(sequence)) return duplicate;
    return sequence === state.next ? 0 : outOfOrder;
  }

  /** It was appended. */
  take({ producerId, epoch, sequence, records }: Produced): void {
    const before = this.#states.get(producerId);
    const recent = before?.epoch === epoch ? before.recent.slice(1 - remembered) : [];
    this.#states.set(producerId, { epoch, next: sequence + records.length, recent: [...recent, sequence] });
  }

  /** As after `producer.id.expiration.ms`. */
  forget(): void {
    this.#states.clear();
  }
}
