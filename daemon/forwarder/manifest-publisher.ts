import type { Sink } from "../contract.ts";
import { headerNames } from "../header-names.ts";
import { describe } from "../errors.ts";
import type { BatchLimits } from "../delivery/batch-queue.ts";
import { Outbox } from "../delivery/outbox.ts";
import { passedLine, type SinkOffsets } from "../delivery/sink-offsets.ts";
import type { Cut } from "../proof/chain.ts";
import { manifestHandler } from "../proof/found-manifests.ts";
import type { Proof } from "../proof/proof.ts";
import type { Log } from "../telemetry/log.ts";

interface PublisherParts {
  readonly proof: Proof;
  readonly sink: Sink;
  readonly limits: BatchLimits;
  readonly topic: string;
  readonly offsets: SinkOffsets;
  readonly log: Log;
}

type Published = Pick<Cut, "stream" | "sequence">;

/**
 * Sends manifests to their topic, one after the other, the oldest first. Nothing waits for it: alerts have an outbox of their
 * own.
 */
export class ManifestPublisher {
  readonly #parts: PublisherParts;
  readonly #outbox: Outbox<Published>;
  #isSending = false;
  #isDisposed = false;
  /** Since when the oldest one waits, on the monotonic clock; undefined if none does. */
  #waitsSince: number | undefined;
  #idle: (() => void)[] = [];

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    this.#outbox = new Outbox(parts.sink, parts.limits);
    this.#outbox.reportTo({
      encoded: () => undefined,
      acknowledged: (one, _part, { partition }, _index, offset) => {
        parts.offsets.stored(partition, offset, passedLine);
        void this.#done(one);
      },
      refused: (one, _part, { detail }) => {
        const what = "the sink refused a manifest for good; the other side will miss it";
        parts.log.error({ code: "manifest-refused", topic: parts.topic, sequence: one.sequence, reason: detail }, what);
        void this.#done(one);
      },
    });
    this.#outbox.flush();
    parts.proof.onChange(() => void this.#sendNext());
  }

  /** How long the oldest manifest has waited, in milliseconds; 0 if none waits. */
  get waitingMs(): number {
    return this.#waitsSince === undefined ? 0 : performance.now() - this.#waitsSince;
  }

  /** Resolves when no manifest waits that is on disk. */
  idle(): Promise<void> {
    if (this.#parts.proof.head === undefined) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#outbox.dispose();
  }

  async #sendNext(): Promise<void> {
    const { proof, topic, log } = this.#parts;
    const { head } = proof;
    if (this.#isSending || this.#isDisposed) return;
    if (head === undefined) {
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    this.#isSending = true;
    this.#waitsSince ??= performance.now();
    const { stream, sequence } = head;
    let value: Buffer;
    try {
      value = await proof.headValue();
    } catch (reason) {
      log.error(
        { code: "manifest-unreadable", sequence, reason: describe(reason) },
        "a manifest that waited in a file cannot be read; the other side will miss it",
      );
      return this.#done({ stream, sequence });
    }
    if (this.#isDisposed) return;
    const node = Buffer.from(nodeOf(value));
    const headers = [
      [headerNames.node, node],
      [headerNames.handler, Buffer.from(manifestHandler)],
    ] as const;
    const bytes = value.length + node.length + 200;
    const id = `${stream}/${sequence}`;
    this.#outbox.add(topic, { key: node, id, headers, value, bytes, waiting: { stream, sequence }, part: 0 });
  }

  async #done(one: Published): Promise<void> {
    try {
      await this.#parts.proof.done(one);
    } catch (reason) {
      const what = "the file of a manifest that is in its topic cannot be removed; it is sent again after a restart";
      this.#parts.log.warn({ code: "manifest-file-not-removed", reason: describe(reason) }, what);
    }
    this.#isSending = false;
    this.#waitsSince = undefined;
    await this.#sendNext();
  }
}

/** The node that a manifest names: its record's key. */
function nodeOf(value: Buffer): string {
  const manifest: unknown = JSON.parse(value.toString());
  const node: unknown = typeof manifest === "object" && manifest !== null ? Reflect.get(manifest, "node") : undefined;
  if (typeof node !== "string") throw new Error("a manifest without a node");
  return node;
}
