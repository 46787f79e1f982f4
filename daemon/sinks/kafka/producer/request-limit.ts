import type { ConnectionPool, Purpose } from "../connection/connection-pool.ts";
import type { SealedBatch, PendingWrite } from "./sealed-batch.ts";
import { classifyError, type ClassifiedError } from "../protocol/errors.ts";
import { fetchOffset } from "../connection/requests.ts";

/** A batch whose connection was lost this often gets one of its own. */
const aloneAfter = 2;
/** Losses of its own connection after which a batch of several records is divided: that does no harm. */
const dividedAfter = 1;
/** The same for a single record, which is then refused. */
const refusedAfter = 3;
/** No limit in use is lower. A smaller record that ends connections may simply have met a broker that accepts nothing at all. */
const minPlausibleBytes = 256 * 1024;

/** The loss of a connection that a batch was at the head of. */
interface LostRequest {
  readonly topic: string;
  readonly partition: number;
  readonly entry: SealedBatch;
  /** `host:port` of the leader. */
  readonly address: string;
  /** Nothing else went over the connection. */
  readonly isAlone: boolean;
}

/**
 * A limit on the size of requests that brokers do not report: Azure Event Hubs, proxies, and Kafka with a low
 * `socket.request.max.bytes` end the connection at a larger request, and give no reason. Such a batch would be sent for
 * ever, and with each try end the connection that other partitions use.
 */
export class RequestLimit {
  /** The smallest record that was refused for it, as sent; bytes. */
  #refusedBytes = Infinity;
  /** Losses by the call of `write` that a batch comes from: what a batch is divided into is as suspect as the whole. */
  readonly #losses = new WeakMap<PendingWrite, { shared: number; alone: number }>();

  /** A batch was acknowledged. */
  taken({ pendingWrite, batch }: SealedBatch): void {
    const losses = this.#losses.get(pendingWrite);
    if (losses !== undefined) losses.alone = 0;
    if (batch !== undefined && batch.length >= this.#refusedBytes) this.#refusedBytes = Infinity;
  }

  /** Whether a batch must not share a connection. */
  isSuspect({ pendingWrite, batch }: SealedBatch): boolean {
    const isLarge = batch !== undefined && batch.length >= this.#refusedBytes;
    return isLarge || (this.#losses.get(pendingWrite)?.shared ?? 0) >= aloneAfter;
  }

  /**
   * Decides what a lost connection says about the batch at its head. It counts when nothing else went over that
   * connection and the leader answers at once over the next one: then neither the broker nor the network was gone.
   * @returns the fault of the batch, or undefined: it is sent again as it is
   */
  async judge(loss: LostRequest, pool: ConnectionPool): Promise<ClassifiedError | undefined> {
    const { entry, topic, partition, address, isAlone } = loss;
    const losses = this.#losses.get(entry.pendingWrite) ?? { shared: 0, alone: 0 };
    this.#losses.set(entry.pendingWrite, losses);
    if (!isAlone) {
      losses.shared += 1;
      return undefined;
    }
    try {
      await fetchOffset(await pool.connection(address, purposeOfOwn(topic, partition)), topic, partition, "next");
    } catch {
      losses.alone = 0; // The broker is away, or the connection to it: that says nothing about the batch.
      return undefined;
    }
    losses.alone += 1;
    const bytes = entry.batch?.length ?? 0;
    const isKnown = bytes >= this.#refusedBytes;
    const isSingle = entry.count === 1;
    if (losses.alone < (isSingle && !isKnown ? refusedAfter : dividedAfter)) return undefined;
    const isGuess = bytes < minPlausibleBytes;
    if (isSingle) {
      losses.alone = 0;
      if (!isGuess) this.#refusedBytes = Math.min(this.#refusedBytes, bytes);
    }
    const text = `${address} ends the connection whenever it gets this request of ${bytes} bytes, and answers others`;
    const remedy = "raise its limit on the size of a request (socket.request.max.bytes; Azure Event Hubs takes 1 MB)";
    return {
      ...classifyError(new Error(text)),
      kind: "too-large",
      category: "none",
      detail: `${text}; ${remedy}`,
      isGuess,
    };
  }
}

/** The connection that a partition has to itself. */
export function purposeOfOwn(topic: string, partition: number): Purpose {
  return `alone ${topic}/${partition}`;
}
