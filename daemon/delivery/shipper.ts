import type { Alert } from "../alert/alert.ts";
import type { SourceCounters } from "../telemetry/counters.ts";
import { type DeliveryTimes, noTime } from "../telemetry/delivery-times.ts";
import { storeDeadLetter, type DeadLetterParts } from "./store-dead-letter.ts";
import {
  lookupKey,
  sourceKind,
  type DeadReason,
  type FeedbackSink,
  type Lookup,
  type PerSource,
  type Refusal,
  type SinkRecord,
  type SourceLocation,
  type Owner,
} from "../contract.ts";
import { type Pairing, none, withOneMore } from "../pairing/pairing.ts";
import type { AnsweredBatch, Outbox, RecordListener } from "./outbox.ts";
import { FoundRecords } from "./found-records.ts";
import { HeldShipments } from "./held-shipments.ts";
import { OpenWork } from "./open-work.ts";
import { handlerIn, retainedValue, outboxRecord, recordKey } from "./outbox-record.ts";
import { aheadBytes, assertOpen, waiterBytes, type MadePart, type Part, type Shipment } from "./shipment.ts";
import { passedLine, type SinkOffsets } from "./sink-offsets.ts";
import type { ShipmentAccount } from "./shipment-account.ts";

export interface ShipperParts extends DeadLetterParts {
  readonly counters: PerSource<SourceCounters>;
  readonly outbox: Outbox<Shipment>;
  /** Present if a checkpoint is kept. */
  readonly offsets: SinkOffsets | undefined;
  readonly pairing: Pairing<Shipment> | undefined;
  readonly feedback: FeedbackSink | undefined;
  /** Present if manifests are published. */
  readonly account?: ShipmentAccount | undefined;
  /** How long a tail's copy waits for the socket's before it is shipped; 0: not at all. */
  readonly tailWaitMs: number;
  /** Absent where nobody asks how long alerts took. */
  readonly times?: DeliveryTimes | undefined;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
}

/** The share of the byte budget that finished shipments of the socket may take until the tail has brought their alerts. */
const aheadShare = 0.25;

/**
 * A copy that integratord sends was in the log before. If the tail has been at the end of the log again and again for
 * this long, and has not brought it, it never will. Milliseconds.
 */
const unmetMs = 60_000;

const nobody: Owner = { settled: () => undefined };

/**
 * Brings shipments to their outcome. A shipment is held back while the look-up after a crash is running and, if
 * `sources.tail.wait` says so, until the socket's copy came or its time is up; then its records go to the outbox. It is
 * finished when each record is in the sink or among the dead letters, and only then.
 */
export class Shipper implements RecordListener<Shipment> {
  readonly #parts: ShipperParts;
  readonly #found = new FoundRecords();
  /** What has to finish before a shipment leaves: the look-up, and what `holdFor` was given. */
  #holds = 1;
  /** Those that wait for it, in their order. */
  readonly #waitingForLookup: Shipment[] = [];
  /** The tail's copies that wait for the socket's; undefined if they do not. */
  readonly #held: HeldShipments<Shipment> | undefined;
  #isDisposed = false;
  /** Finished shipments of the socket whose alerts the tail has not brought, the oldest first, with when they finished. */
  readonly #ahead = new Map<Shipment, { readonly atMs: number; readonly ends: number }>();
  /** How often the tail was at the end of the log. */
  #ends = 0;
  readonly #now: () => number;
  readonly #work = new OpenWork();

  constructor(parts: ShipperParts) {
    this.#parts = parts;
    this.#now = parts.now ?? (() => performance.now());
    if (parts.tailWaitMs > 0) this.#held = new HeldShipments(parts.tailWaitMs, (shipment) => this.dispatch(shipment));
    parts.outbox.reportTo(this);
  }

  /** Whether the socket may ship a further alert that the tail has not brought. */
  get hasRoomAhead(): boolean {
    return this.#ahead.size * aheadBytes < this.#parts.budget.limitBytes * aheadShare;
  }

  /** Shipments and other work that have no outcome yet. */
  get open(): number {
    return this.#work.open;
  }

  /** Shipments so far. */
  get count(): number {
    return this.#work.count;
  }

  /** Lets shipments out; records that the look-up has found count as acknowledged. */
  begin(lookup: Lookup): void {
    this.#found.begin(lookup.shipped, lookup.values);
    this.#letOut();
  }

  /** Holds back what is not on its way yet until the work is over, however it ends. Who does it reports a failure. */
  holdFor(work: Promise<unknown>): void {
    this.#holds += 1;
    const over = (): void => this.#letOut();
    void work.then(over, over);
  }

  /** Forgets what the look-up has found: the tail is past all that an earlier process may have sent. */
  endLookup(): void {
    const left = this.#found.end();
    this.#parts.account?.leftBehind(left);
  }

  /**
   * A line that got its outcome before the last stop comes by, and is not shipped. @returns false if what the look-up
   * has found of it covers another line: it must be shipped
   */
  wasDone(node: string, id: string, parts: readonly Part[]): boolean {
    let isDone = true;
    for (const part of parts) {
      if ("value" in part && !this.#found.done(lookupKey(node, id, part.handler, part.value ?? null))) isDone = false;
    }
    return isDone;
  }

  /**
   * Whether a line of the log that is shipped now is in a batch, or has its outcome, before `ship` returns, and nothing else
   * is kept of its bytes.
   */
  encodesAtOnce(alert: Alert, parts: readonly Part[]): boolean {
    const part = parts[0];
    if (parts.length !== 1 || part === undefined || "failure" in part || !this.#isReleased(alert, part)) return false;
    const isHeld = this.#holds > 0 || this.#waitingForLookup.length > 0 || this.#held !== undefined;
    return !isHeld && this.#parts.outbox.encodesAtOnce(part.topic);
  }

  /** Whether an alert is not needed once its only record is encoded: a dead letter gets it from the record. */
  #isReleased({ bytes }: Alert, { value, feedback, warning }: MadePart): boolean {
    const isReported = (feedback !== undefined && this.#parts.feedback !== undefined) || warning !== undefined;
    return value === bytes && !isReported;
  }

  ship(shipment: Shipment): void {
    shipment.number = this.#work.begin();
    this.#parts.budget.take(shipment.sizeBytes);
    if (this.#held === undefined || sourceKind(shipment.source) !== "log") return this.dispatch(shipment);
    this.#held.add(shipment);
  }

  /**
   * The socket's copy of a held shipment has come. True when it leaves now; false when it was not held, or when
   * earlier ones still are and it has to keep its place behind them.
   */
  releaseHeld(shipment: Shipment): boolean {
    return this.#held?.release(shipment) === true;
  }

  /** Lets all held shipments go: a stop does not wait for copies. */
  releaseAllHeld(): void {
    this.#held?.releaseAll();
  }

  /** Sends a shipment on; in the order of the calls. */
  dispatch(shipment: Shipment): void {
    if (this.#holds > 0 || this.#waitingForLookup.length > 0) this.#waitingForLookup.push(shipment);
    else this.#route(shipment);
  }

  #letOut(): void {
    this.#holds -= 1;
    if (this.#isDisposed) return;
    let out = 0;
    // What comes in through an outcome that is reported meanwhile queues up behind, so the order holds; it may hold the rest.
    for (
      let next = this.#waitingForLookup[0];
      next !== undefined && this.#holds === 0;
      next = this.#waitingForLookup[out]
    ) {
      out += 1;
      this.#route(next);
    }
    this.#waitingForLookup.splice(0, out);
  }

  /** Counts other work towards an outcome as open until it is done. */
  track(work: Promise<void>): void {
    const number = this.#work.add();
    void work.then(() => this.#work.closed(number));
  }

  /** Resolves when everything that is open now has its outcome, whatever is begun meanwhile. */
  soFar(): Promise<void> {
    return this.#work.soFar();
  }

  /** Resolves when nothing is open. */
  idle(): Promise<void> {
    return this.#work.idle();
  }

  /** From now on no outcome is reported. */
  dispose(): void {
    this.#isDisposed = true;
    this.#held?.dispose();
  }

  /** A copy was attached to an open shipment. */
  waiterAttached(): void {
    this.#parts.budget.take(waiterBytes);
  }

  /** The tail has brought the alert of a shipment of the socket: from now on its line covers it. */
  met(shipment: Shipment, line: number): void {
    shipment.isMet = true;
    shipment.line = line;
    for (const stored of shipment.stored) stored.coveredBy(line);
    this.#covered(shipment);
  }

  /** No line of the log covers this shipment: no look-up needs to find its records. */
  onCheckpointed(shipment: Shipment): void {
    shipment.isPassed = true;
    for (const stored of shipment.stored) stored.pass();
    this.#covered(shipment);
  }

  /** Nobody waits for the line of a shipment any more. */
  #covered(shipment: Shipment): void {
    shipment.stored = none;
    this.#leaveAhead(shipment);
    if (shipment.outcome === undefined) return;
    this.#parts.account?.finished(shipment);
    this.#parts.pairing?.done(shipment);
  }

  /**
   * The tail is at the end of the log. What the socket brought long ago, and the tail has not since, is not in it: the
   * look-up after a crash must not begin there for ever.
   */
  reachedEnd(): void {
    this.#ends += 1;
    const now = this.#now();
    for (const [shipment, { atMs, ends }] of this.#ahead) {
      if (now - atMs < unmetMs || this.#ends - ends < 2) return;
      this.onCheckpointed(shipment);
    }
  }

  /** Finished shipments of the socket whose alerts the tail has not brought. */
  get ahead(): readonly Shipment[] {
    return [...this.#ahead.keys()];
  }

  /** One that an earlier process had. */
  restoreAhead(shipment: Shipment): void {
    const { budget } = this.#parts;
    this.#ahead.set(shipment, { atMs: this.#now(), ends: this.#ends });
    budget.take(aheadBytes);
    budget.setAside(aheadBytes);
  }

  #leaveAhead(shipment: Shipment): void {
    if (!this.#ahead.delete(shipment)) return;
    this.#parts.budget.bringBack(aheadBytes);
    this.#parts.budget.release(aheadBytes);
  }

  #route(shipment: Shipment): void {
    const { payload } = shipment;
    if (payload === undefined) throw new Error("a finished shipment cannot be sent");
    const { alert, place, parts } = payload;
    const { account } = this.#parts;
    account?.begin(shipment);
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index]!;
      if ("failure" in part) {
        this.#bury(shipment, part.handler, "handler-error", part.failure, place, alert.bytes);
        account?.failed(shipment, part.handler);
      } else if (this.#wasShipped(shipment, part, index)) {
        // When it arrived is not known.
        shipment.timeMark = noTime;
        this.#report(shipment, alert, part);
        this.#partDone(shipment);
      } else {
        account?.sends(shipment, part, index);
        const agent = recordKey(alert);
        this.#parts.outbox.add(part.topic, outboxRecord(shipment, payload, part, index, agent));
      }
    }
  }

  /** For the outbox: a record is encoded. Lets go of what is not needed any more. */
  encoded(shipment: Shipment, index: number): void {
    const { payload } = shipment;
    const part = payload?.parts[index];
    if (payload === undefined || part === undefined || "failure" in part) return;
    if (payload.parts.length === 1 && this.#isReleased(payload.alert, part)) shipment.payload = undefined;
    part.value = undefined;
  }

  /** For the outbox: a record is in the sink. */
  acknowledged(shipment: Shipment, part: number, batch: AnsweredBatch, index: number, offset: number): void {
    if (this.#isDisposed) return;
    assertOpen(shipment);
    this.#parts.account?.acknowledged(shipment, part, batch.digests, index);
    const line = shipment.isPassed ? passedLine : shipment.line;
    const stored = this.#parts.offsets?.stored(batch.partition, offset, line);
    if (stored !== undefined) shipment.stored = withOneMore(shipment.stored, stored);
    const { payload } = shipment;
    const made = payload?.parts[part];
    if (payload !== undefined && made !== undefined && !("failure" in made))
      this.#report(shipment, payload.alert, made);
    this.#partDone(shipment);
  }

  /** For the outbox: the sink refused a record for good. */
  refused(shipment: Shipment, index: number, { reason, detail }: Refusal, record: SinkRecord): void {
    if (this.#isDisposed) return;
    assertOpen(shipment);
    const { payload } = shipment;
    const place = payload?.place ?? record.place;
    const bytes = payload?.alert.bytes ?? retainedValue(record);
    if (place === undefined) throw new Error("a record without its alert's place");
    this.#parts.account?.refused(shipment, index, reason);
    this.#bury(shipment, payload?.parts[index]?.handler ?? handlerIn(record), reason, detail, place, bytes);
  }

  #wasShipped(shipment: Shipment, part: MadePart, index: number): boolean {
    const key = (): string => lookupKey(shipment.node, shipment.id, part.handler, part.value ?? null);
    const found = this.#found.useValue(key);
    if (found !== undefined) this.#parts.account?.found(shipment, part, index, found.value);
    return found !== undefined;
  }

  /** @param bytes the alert as it came */
  #bury(
    shipment: Shipment,
    handler: string,
    reason: DeadReason,
    detail: string,
    place: SourceLocation,
    bytes: Buffer,
  ): void {
    const { source, node, payload } = shipment;
    const description = `alert ${shipment.id}: ${handler}: ${reason}`;
    this.#parts.feedback?.error({ code: 503, description, status: "dead-letter" });
    const entry = { source, node, reason, detail, handler, place, bytes };
    const sizeBytes = Math.floor(shipment.sizeBytes / (payload?.parts.length ?? 1));
    void storeDeadLetter(this.#parts, entry, sizeBytes).then(() => {
      shipment.isDead = true;
      this.#partDone(shipment);
    });
  }

  /** A record is in the sink: reports it to Wazuh. */
  #report(shipment: Shipment, alert: Alert, { feedback, warning }: MadePart): void {
    if (feedback !== undefined) {
      this.#parts.feedback?.acknowledged(() => {
        const { agentId, agentName, agentIp, timestamp } = alert;
        return { alertId: shipment.id, agentId, agentName, agentIp, timestamp, ...feedback };
      });
    }
    if (warning !== undefined) this.#parts.feedback?.error({ code: 503, description: warning });
  }

  #partDone(shipment: Shipment): void {
    shipment.openParts -= 1;
    if (shipment.openParts === 0 && !this.#isDisposed) this.#finish(shipment);
  }

  #finish(shipment: Shipment): void {
    const outcome = shipment.isDead ? "dead-letter" : "acknowledged";
    shipment.outcome = outcome;
    this.#parts.counters[shipment.source].settled(outcome);
    if (outcome === "acknowledged") this.#parts.times?.delivered(shipment.source, shipment.timeMark);
    shipment.payload = undefined;
    const { owner, waiters } = shipment;
    const { budget, counters, pairing, offsets } = this.#parts;
    // What is kept of it from now on must not hold on to who brought it.
    shipment.owner = nobody;
    shipment.waiters = none;
    for (const tie of waiters) counters[tie.source].settled("paired");
    if (shipment.isMet || shipment.isPassed || offsets === undefined) {
      this.#parts.account?.finished(shipment);
      pairing?.done(shipment);
    } else {
      // Only the tail can clear it away, so it must not keep the tail from reading.
      this.restoreAhead(shipment);
    }
    budget.release(shipment.sizeBytes + waiters.length * waiterBytes);
    owner.settled(outcome, shipment.line);
    for (const tie of waiters) tie.owner.settled(outcome, shipment.line);
    this.#work.closed(shipment.number);
  }
}
