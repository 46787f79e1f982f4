import type { Lookup, OffsetsByPartition as Offsets } from "../contract.ts";
import type { SinkOffsets } from "./sink-offsets.ts";
import type { Shipper } from "./shipper.ts";

/** If nothing is sent for this long, others may have filled the topics with as much as a look-up reads in seconds. */
const everyMs = 60_000;

/** What sends. */
interface Sending {
  readonly shipper: Pick<Shipper, "open" | "count">;
  readonly topics: readonly string[];
}

/** What is asked for the offsets that the next records will get. */
interface Asked {
  lookup(topics: readonly string[], since: Offsets): Promise<Pick<Lookup, "next">>;
}

/**
 * Keeps the look-up after a crash short on a quiet node: the offsets in the checkpoint begin behind its last record, and
 * on a shared topic the other nodes go on writing. While nothing is in flight, everything in the topics is either
 * another's or settled, so the look-up may as well begin at their present ends.
 */
export class OffsetRefresher {
  readonly #shipper: Sending["shipper"];
  readonly #offsets: Pick<SinkOffsets, "seed">;
  readonly #ask: () => Promise<Pick<Lookup, "next">>;
  #isAsking = false;

  constructor({ shipper, topics }: Sending, offsets: Pick<SinkOffsets, "seed">, sink: Asked) {
    this.#shipper = shipper;
    this.#offsets = offsets;
    this.#ask = () => sink.lookup(topics, {});
  }

  /** Checks once a minute until the signal is aborted. */
  run(stop: AbortSignal): void {
    if (stop.aborted) return;
    // An answer that does not come, because Kafka is away or the sink was disposed, changes nothing.
    const timer = setInterval(() => void this.refresh().catch(() => undefined), everyMs);
    stop.addEventListener("abort", () => clearInterval(timer), { once: true });
  }

  /** Asks where the topics end, unless something is in flight, and uses the answer unless something was sent meanwhile. */
  async refresh(): Promise<void> {
    const { open, count } = this.#shipper;
    if (open > 0 || this.#isAsking) return;
    this.#isAsking = true;
    try {
      const { next } = await this.#ask();
      if (this.#shipper.count === count) this.#offsets.seed(next);
    } finally {
      this.#isAsking = false;
    }
  }
}
