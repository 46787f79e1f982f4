import assert from "node:assert/strict";
import { Pairing, type SavedWindow } from "../../daemon/pairing/pairing.ts";
import { type OffsetsByPartition as Offsets, type Owner, perSource, type SourceName } from "../../daemon/contract.ts";
import { PairingWindow } from "../../daemon/pairing/pairing-window.ts";
import type { Shipment } from "../../daemon/delivery/shipment.ts";
import { SinkOffsets } from "../../daemon/delivery/sink-offsets.ts";
import { Ledger } from "../../daemon/sources/tail/position/ledger.ts";
import { alertBytes, Delivery, settle } from "./delivery.ts";
import { idIn, MemorySink } from "./memory-sink.ts";

/** The state of the tail that a restart finds. */
interface Checkpoint {
  readonly line: number;
  readonly done: ReadonlySet<number>;
  readonly low: Offsets;
  readonly second: number;
}

export interface OnceOptions {
  /** Ids of the lines of the log, in order; the same id twice is two alerts. */
  readonly ids: readonly string[];
  readonly random: () => number;
  readonly windowSize: number;
  readonly aheadLimit: number;
  readonly isReadable: boolean;
  readonly tailWaitMs: number;
  /** The window that a stop saves cannot be removed: a crash later on finds it again. */
  readonly keepsWindow?: boolean;
}

/**
 * A log, a tail that reads it with a ledger and a checkpoint, socket copies in any order, a sink that answers when it
 * likes, stops and crashes: everything between the offer and the sink is real.
 */
export class OnceWorld {
  readonly sink: MemorySink;
  readonly #options: OnceOptions;
  #delivery!: Delivery;
  #pairing!: Pairing<Shipment>;
  #offsets!: SinkOffsets;
  #ledger!: Ledger<undefined>;
  #line = 0;
  #doneBefore: ReadonlySet<number> = new Set();
  #second = -1;
  #checkpoint: Checkpoint = { line: 0, done: new Set(), low: {}, second: -1 };
  /** What the last stop saved. */
  #window: SavedWindow | undefined;
  /** Deliveries of this process that were not settled. */
  #open = 0;
  /** Shipments of this process that may have no outcome. */
  #shipments = new Set<Shipment>();

  private constructor(options: OnceOptions) {
    this.#options = options;
    this.sink = new MemorySink({ maxInFlight: 2, partitions: { alerts: 2 } });
    this.sink.isReadable = options.isReadable;
  }

  static async create(options: OnceOptions): Promise<OnceWorld> {
    const world = new OnceWorld(options);
    world.#boot(undefined);
    await world.#begin();
    return world;
  }

  get hasReadAll(): boolean {
    return this.#line >= this.#options.ids.length;
  }

  get line(): number {
    return this.#line;
  }

  /** Reads the next line of the log. */
  tail(): void {
    const line = this.#line++;
    const id = this.#options.ids[line];
    if (id === undefined) return;
    this.#second = Math.max(this.#second, Number(id.split(".")[0]));
    if (this.#doneBefore.has(line)) {
      this.#ledger.note(undefined, line);
      return;
    }
    const number = this.#ledger.take(undefined, line);
    this.#offer("tail", line, { owner: this.#ledger, line: number });
    this.#ledger.handed(number, false);
  }

  /** The tail is at the end of the log: if nothing is open either, earlier processes no longer matter. */
  reachedEnd(): void {
    if (this.#ledger.oldest !== undefined) return;
    this.#offsets.release();
    this.#delivery.shipper.endLookup();
  }

  /** Brings the socket's copy of a line. */
  socket(line: number): void {
    this.#offer("socket", line);
  }

  /** Brings a socket copy that differs from the line. */
  forge(line: number): void {
    this.#offer("socket", line, undefined, forgedMark);
  }

  /** The sink answers for some of the batches that it holds. */
  async answer(batches: number): Promise<void> {
    this.sink.release(batches);
    await settle();
  }

  saveCheckpoint(): void {
    const line = this.#ledger.oldest?.offset ?? this.#line;
    const done = new Set([
      ...[...this.#ledger.doneBeyond()].map(({ offset }) => offset),
      ...[...this.#doneBefore].filter((at) => at >= this.#line),
    ]);
    this.#checkpoint = { line, done, low: this.#offsets.low(this.#ledger.front), second: this.#second };
  }

  /** Stops as the forwarder does; what is in flight is lost, or is in the sink without an answer. */
  async stop(): Promise<void> {
    this.#delivery.shipper.releaseAllHeld();
    // Answers that were given have arrived; only what the sink still holds is in flight.
    if (!this.sink.isReadable) await settle();
    this.#delivery.shipper.dispose();
    this.#delivery.outbox.dispose();
    const window = this.#pairing.save();
    this.saveCheckpoint();
    this.#window = window;
    await this.#restart(this.#window);
  }

  /** Ends abruptly: only the last checkpoint is left. */
  async crash(): Promise<void> {
    this.#delivery.shipper.dispose();
    this.#delivery.outbox.dispose();
    await this.#restart(this.#options.keepsWindow === true ? this.#window : undefined);
  }

  /** Reads the log to its end and lets everything get its outcome; then nothing may be left over anywhere. */
  async finish(): Promise<void> {
    while (!this.hasReadAll) {
      this.tail();
      this.check();
    }
    this.sink.isHolding = false;
    this.#delivery.shipper.releaseAllHeld();
    while (this.sink.held.length > 0) await this.answer(Infinity);
    await settle();
    this.check();
    assert.equal(this.#open, 0, "something has no outcome");
    assert.equal(this.#ledger.oldest, undefined, "the checkpoint does not advance");
    assert.equal(this.#delivery.budget.usedBytes, 0, "bytes are left in the budget");
    assert.equal(this.#delivery.outbox.open, 0);
  }

  /** The counters of this process are right; what is in flight is counted here by looking at each shipment. */
  check(): void {
    const inFlight: Record<SourceName, number> = perSource(() => 0);
    for (const shipment of this.#shipments) {
      if (shipment.outcome === undefined) {
        for (const { source } of [shipment, ...shipment.waiters]) inFlight[source] += 1;
      } else this.#shipments.delete(shipment);
    }
    for (const source of ["tail", "socket"] as const) {
      const counts = this.#delivery.counters[source].snapshot();
      const { read, ignored, paired, acknowledged, deadLettered } = counts;
      assert.equal(counts.inFlight, inFlight[source], `${source} in flight`);
      assert.equal(read, ignored + paired + counts.inFlight + acknowledged + deadLettered);
    }
  }

  #offer(source: "tail" | "socket", line: number, entry?: { owner: Owner; line: number }, more = {}): void {
    const id = this.#options.ids[line] ?? "";
    const agent = { id: String(Number(id.split(".")[1]) % 7) };
    const bytes = alertBytes(id, { agent, rule: { id: "1" }, ...more });
    let settlements = 0;
    this.#open += 1;
    const verdict = this.#delivery.pipeline.offer({
      source,
      bytes,
      place: { file: source, offset: line, length: bytes.length },
      owner: {
        settled: (outcome, number) => {
          settlements += 1;
          assert.equal(settlements, 1, "settled twice");
          assert.equal(outcome, "acknowledged");
          this.#open -= 1;
          entry?.owner.settled(outcome, number);
        },
      },
      ...(entry !== undefined && { line: entry.line }),
    });
    if (verdict.kind === "deferred") {
      this.#open -= 1;
      return;
    }
    assert.ok(verdict.kind === "taken" || verdict.kind === "duplicate", verdict.kind);
    if (verdict.shipment !== undefined) this.#shipments.add(verdict.shipment);
  }

  async #restart(window: SavedWindow | undefined): Promise<void> {
    const { held } = this.sink;
    // If the sink cannot be read, what it stored without an answer is sent again; that is known and reported.
    if (this.sink.isReadable) this.sink.storeUnanswered(Math.floor(this.#options.random() * (held.length + 1)));
    held.length = 0;
    this.#boot(window);
    await this.#begin();
  }

  #boot(window: SavedWindow | undefined): void {
    const { windowSize, aheadLimit, tailWaitMs } = this.#options;
    this.#pairing = new Pairing<Shipment>(new PairingWindow(windowSize, aheadLimit), { socketOnly: false });
    this.#pairing.restore(window, this.#checkpoint.second);
    this.#offsets = new SinkOffsets();
    this.#offsets.hold(this.#checkpoint.low);
    const { sink } = this;
    this.#delivery = new Delivery({ sink, pairing: this.#pairing, offsets: this.#offsets, tailWaitMs });
    this.#ledger = new Ledger<undefined>();
    this.#line = this.#checkpoint.line;
    this.#doneBefore = this.#checkpoint.done;
    this.#second = this.#checkpoint.second;
    this.#open = 0;
    this.#shipments = new Set();
  }

  async #begin(): Promise<void> {
    const lookup = await this.sink.lookup(["alerts"], this.#checkpoint.low);
    this.#offsets.seed(lookup.next);
    this.saveCheckpoint();
    this.#delivery.shipper.begin(lookup);
  }
}

const forgedMark = { user: "mallory" };

/** How many records of each id are in the sink, without those of forged copies. */
export function recordsPerId(sink: MemorySink): Map<string, number> {
  const counts = new Map<string, number>();
  for (const record of sink.records) {
    if (record.value?.includes(forgedMark.user) === true) continue;
    const id = idIn(record);
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}
