import { Alert } from "../alert/alert.ts";
import { alertTimeMs } from "../alert/alert-time.ts";
import { NotJson } from "../alert/json.ts";
import { salvage, type Span } from "../alert/salvage.ts";
import type { SourceCounters } from "../telemetry/counters.ts";
import { type DeliveryTimes, noTime } from "../telemetry/delivery-times.ts";
import { alertOrFault } from "./judge.ts";
import { storeDeadLetter, type DeadLetterParts } from "./store-dead-letter.ts";
import {
  sourceKind,
  unknownLine,
  type DeadReason,
  type Handler,
  type PerSource,
  type SourceLocation,
  type SourceName,
  type Owner,
} from "../contract.ts";
import { FingerprintHash, type Fingerprint } from "../pairing/fingerprint.ts";
import { type Pairing, none } from "../pairing/pairing.ts";
import type { Shipper } from "./shipper.ts";
import type { ShipmentAccount } from "./shipment-account.ts";
import type { Tap } from "./tap.ts";
import type { OwnNode } from "./own-node.ts";
import {
  idOf,
  keepBytes,
  partsOf,
  secondOf,
  weightOf,
  withOwnBytes,
  type Delivery,
  type Part,
  type Shipment,
} from "./shipment.ts";

/**
 * What became of an offered delivery, for the source that has to answer at once.
 * - taken: it is being shipped; `settled` follows.
 * - ignored: no handler wants it.
 * - duplicate: another copy is shipped in its place; `settled` follows with that one's outcome.
 * - deferred: a socket copy that the tail will bring, or has brought (`alreadySeen`).
 * - rejected: it is not an alert; its bytes go to the dead letters; `settled` follows.
 * - salvaged: a broken line of a file; the whole alerts in it are taken, the rest goes to the dead letters; `settled`
 *   follows when all of it has an outcome.
 */
export type Verdict =
  | { readonly kind: "taken"; readonly id: string; readonly shipment: Shipment }
  | { readonly kind: "ignored"; readonly id: string }
  | { readonly kind: "duplicate"; readonly id: string; readonly shipment: Shipment | undefined }
  | { readonly kind: "deferred"; readonly id: string; readonly reason: string; readonly alreadySeen: boolean }
  | { readonly kind: "rejected"; readonly id: string | undefined; readonly reason: string }
  | { readonly kind: "salvaged"; readonly id: undefined };

/**
 * The share of the byte budget that lines of the socket may take while they wait for the dead-letter store. Below the
 * share at which the tail stops reading: with a full disk nobody may stop it by sending what is not an alert.
 */
const storingShare = 1 / 16;

export interface PipelineParts extends DeadLetterParts {
  readonly handlers: readonly Handler[];
  readonly counters: PerSource<SourceCounters>;
  readonly shipper: Shipper;
  /** Present if the socket is on. */
  readonly pairing: Pairing<Shipment> | undefined;
  readonly node: OwnNode;
  /** Called before a record is shipped in a name that no record was shipped in before. */
  readonly named?: () => void;
  /** Called for each socket copy that differs from the log's line. */
  readonly differs: (id: string) => void;
  /** Absent where nobody asks how long alerts took. */
  readonly times?: DeliveryTimes | undefined;
  /** Called for each alert that is shipped. */
  readonly shipped?: (parts: readonly Part[]) => void;
  /** Called for each alert that is ignored and was probably meant for a handler; once for the copies of both sources. */
  readonly leftOut?: (reason: string) => void;
  /** Absent for a replay. */
  readonly tap?: Tap;
  /** Absent without manifests. */
  readonly account?: ShipmentAccount | undefined;
}

/** An alert that is to be shipped. */
interface WantedAlert {
  readonly alert: Alert;
  readonly id: string;
  readonly node: string;
  readonly fingerprint: Fingerprint | undefined;
  /** Which of the alerts with this fingerprint it is, counted from 1. */
  readonly occurrence: number;
  /** At least one. */
  readonly parts: readonly Part[];
}

/** The way of an alert. Everything here is synchronous; what takes time happens behind `shipper` and `deadLetters`. */
export class Pipeline {
  readonly #parts: PipelineParts;
  /** Of lines of the socket that are not stored as dead letters yet. */
  #storingBytes = 0;
  /** Of the alert that is being offered: the same objects for each alert. */
  readonly #fingerprint = new FingerprintHash();
  readonly #content = { high: 0, low: 0 };

  constructor(parts: PipelineParts) {
    this.#parts = parts;
  }

  /**
   * Takes one alert from a source, in four steps: identify it, find out whether it is wanted, pair it with the other
   * source's copy, ship it. Each call is one alert read; a broken line is as many as it has pieces.
   */
  offer(offered: Delivery): Verdict {
    // Who looks on by a tap keeps what it is shown.
    const delivery = offered.isLent === true && this.#parts.tap?.isOn === true ? withOwnBytes(offered) : offered;
    const alert = this.#identify(delivery);
    if (!(alert instanceof Alert)) return alert;
    const id = idOf(alert);
    const node = alert.nodeOr(this.#parts.node.fallbackName);
    const fingerprint = this.#fingerprintOf(alert, node, id, delivery.source);
    const asked = this.#askHandlers(delivery, alert, fingerprint);
    if (asked?.length === 0) {
      if (!alert.isOwn) this.#reportLeftOut(delivery, alert);
      return this.#ignore(delivery, id, alert);
    }
    const pair = fingerprint === undefined ? 1 : this.#pair(delivery, alert, id, fingerprint);
    if (typeof pair !== "number") {
      if (this.#parts.tap?.isOn === true) this.#parts.tap.paired(delivery, alert, pairedReason(pair));
      return pair;
    }
    const parts = asked ?? partsOf(this.#handlersFor(delivery), alert);
    // Known from a window that an earlier process saved, with other handlers; or from a socket copy that said more.
    if (parts.length === 0) return this.#ignore(delivery, id, alert);
    return this.#ship(delivery, { alert, id, node, fingerprint, occurrence: pair, parts });
  }

  /** First step. @returns the alert, or what became of a line that is not one */
  #identify(delivery: Delivery): Alert | Verdict {
    const alert = alertOrFault(delivery.bytes);
    if (alert instanceof NotJson)
      return this.#broken(delivery.isLent === true ? withOwnBytes(delivery) : delivery, alert);
    if (sourceKind(delivery.source) !== "push" || alert.id !== undefined) return alert;
    return this.#storeDeadLetter(delivery, "not-json", "no id: send the alert as integratord wrote it");
  }

  /**
   * Second step: is it wanted? Nothing of our own is.
   * @returns what the handlers made of it, which may be nothing; undefined if it is wanted because the other source has
   *          brought it: a second copy needs no record, so the handlers are not asked yet
   */
  #askHandlers(delivery: Delivery, alert: Alert, fingerprint: Fingerprint | undefined): readonly Part[] | undefined {
    if (alert.isOwn) return none;
    if (fingerprint !== undefined && this.#parts.pairing?.knows(fingerprint) === true) return undefined;
    return partsOf(this.#handlersFor(delivery), alert);
  }

  /**
   * Third step. @returns which of the alerts with this fingerprint it is, counted from 1, if it is to be shipped; else what
   * became of the copy
   */
  #pair(delivery: Delivery, alert: Alert, id: string, fingerprint: Fingerprint): number | Verdict {
    const { pairing, differs, shipper } = this.#parts;
    if (pairing === undefined) return 1;
    const { source } = delivery;
    const mayBeDeferred = sourceKind(source) === "push" && !pairing.socketOnly;
    const deferReason = mayBeDeferred ? this.#reasonToDefer(alert) : undefined;
    if (!pairing.socketOnly) this.#setContent(alert.contentDigest());
    const pair = pairing.pair(source, fingerprint, secondOf(id), this.#content, deferReason);
    if (pair.kind === "duplicate") return this.#duplicate(delivery, id, fingerprint, pair.occurrence, pairing);
    if (pair.differs) differs(id);
    if (pair.kind === "deferred") {
      const counters = this.#parts.counters[source];
      counters.taken();
      counters.settled("paired");
      return { kind: "deferred", id, reason: pair.reason, alreadySeen: pair.alreadySeen };
    }
    const contradicted = pair.differs ? pairing.contradicted(fingerprint) : undefined;
    if (contradicted !== undefined) shipper.onCheckpointed(contradicted);
    return pair.occurrence;
  }

  /** Fourth step. */
  #ship(delivery: Delivery, { alert, id, node, fingerprint, occurrence, parts }: WantedAlert): Verdict {
    const { source, place, line = unknownLine } = delivery;
    const { tap, shipper } = this.#parts;
    // May hold it back.
    if (this.#parts.node.wrote(node)) this.#parts.named?.();
    if (delivery.isLent === true && !shipper.encodesAtOnce(alert, parts)) keepBytes(alert, parts);
    this.#parts.counters[source].taken();
    const shipment: Shipment = {
      source,
      owner: tap?.isOn === true ? tap.shipped(delivery, alert, parts) : delivery.owner,
      line,
      id,
      node,
      payload: { alert, place, parts },
      sizeBytes: weightOf(alert.bytes, parts),
      timeMark: this.#parts.times?.mark(alertTimeMs(alert.bytes)) ?? noTime,
      handle: 0,
      number: 0,
      openParts: parts.length,
      isDead: false,
      outcome: undefined,
      waiters: none,
      stored: none,
      isMet: sourceKind(source) === "log",
      isPassed: false,
      counted: undefined,
      entry: undefined,
    };
    this.#parts.shipped?.(parts);
    if (fingerprint !== undefined) this.#parts.pairing?.enter(shipment, fingerprint, occurrence);
    this.#parts.account?.expects(shipment);
    shipper.ship(shipment);
    return { kind: "taken", id, shipment };
  }

  #ignore(delivery: Delivery, id: string, alert: Alert): Verdict {
    this.#parts.counters[delivery.source].passedBy(1);
    if (this.#parts.tap?.isOn === true)
      this.#parts.tap.ignored(delivery, alert, this.#leftOutReasons(delivery, alert)[0]);
    return { kind: "ignored", id };
  }

  /** A line of the log that got its outcome before the last stop is read again. @returns false if it must be offered */
  wasDone(bytes: Buffer): boolean {
    const alert = alertOrFault(bytes);
    if (alert instanceof NotJson || alert.isOwn) return true;
    const { node, handlers, shipper } = this.#parts;
    return shipper.wasDone(alert.nodeOr(node.fallbackName), idOf(alert), partsOf(handlers, alert));
  }

  /** A line that cannot be taken as it is: an over-long one, or one that ended with its file. */
  damaged(
    source: SourceName,
    reason: DeadReason,
    place: SourceLocation,
    head: Buffer,
    owner: Owner,
    line = unknownLine,
  ): Verdict {
    const delivery = { source, bytes: head, place, owner, line };
    if (reason !== "over-long") return this.#salvage(delivery, "torn", "the file ended in mid-line");
    const detail = `line of ${place.length} bytes is longer than the limit; raise max_line to take such alerts`;
    return this.#storeDeadLetter(delivery, reason, detail);
  }

  #handlersFor({ handler }: Delivery): readonly Handler[] {
    const { handlers } = this.#parts;
    return handler === undefined ? handlers : handlers.filter(({ name }) => name === handler);
  }

  #reportLeftOut(delivery: Delivery, alert: Alert): void {
    const { leftOut, pairing } = this.#parts;
    // The tail brings the same alert.
    if (leftOut === undefined || (sourceKind(delivery.source) === "push" && pairing?.socketOnly === false)) return;
    for (const reason of this.#leftOutReasons(delivery, alert)) leftOut(reason);
  }

  #leftOutReasons(delivery: Delivery, alert: Alert): readonly string[] {
    return this.#handlersFor(delivery).flatMap((handler) => handler.leftOut?.(alert) ?? []);
  }

  #broken(delivery: Delivery, fault: NotJson): Verdict {
    const detail = `not JSON: ${fault.message}`;
    if (sourceKind(delivery.source) === "push") return this.#storeDeadLetter(delivery, "not-json", detail);
    return this.#salvage(delivery, "not-json", detail);
  }

  /** analysisd that was killed in mid-line goes on in the same line; whole alerts before and after are taken. */
  #salvage(delivery: Delivery, reason: DeadReason, detail: string): Verdict {
    const { source, bytes, place, owner, line = unknownLine } = delivery;
    const { alerts, rest } = salvage(bytes);
    if (alerts.length === 0) return this.#storeDeadLetter(delivery, reason, detail);
    this.#parts.account?.broken(source, line, alerts.length);
    let open = alerts.length + rest.length;
    const ofPiece: Owner = {
      settled(outcome) {
        open -= 1;
        owner.pieceSettled?.(outcome);
        if (open === 0) owner.settled(outcome, line);
      },
    };
    const pieceOf = ({ start, end }: Span): Delivery => ({
      source,
      bytes: bytes.subarray(start, end),
      place: { file: place.file, offset: place.offset + start, length: end - start },
      owner: ofPiece,
      line,
    });
    for (const span of alerts) {
      if (this.offer(pieceOf(span)).kind === "ignored") ofPiece.settled("ignored", line);
    }
    for (const span of rest) this.#storeDeadLetter(pieceOf(span), "torn", detail);
    return { kind: "salvaged", id: undefined };
  }

  #duplicate(
    delivery: Delivery,
    id: string,
    fingerprint: Fingerprint,
    occurrence: number,
    pairing: Pairing<Shipment>,
  ): Verdict {
    const { counters, shipper } = this.#parts;
    const shipment = pairing.attach(delivery, fingerprint, occurrence);
    counters[delivery.source].taken();
    if (shipment === undefined || shipment.outcome !== undefined) counters[delivery.source].settled("paired");
    else shipper.waiterAttached();
    const kind = sourceKind(delivery.source);
    if (shipment !== undefined && kind === "log") shipper.met(shipment, delivery.line ?? unknownLine);
    if (shipment !== undefined && kind === "push" && shipper.releaseHeld(shipment)) {
      pairing.handOver(shipment);
      shipper.dispatch(shipment);
      return { kind: "taken", id, shipment };
    }
    return { kind: "duplicate", id, shipment };
  }

  /** Why a socket copy is not shipped itself; undefined if it may be. */
  #reasonToDefer(alert: Alert): string | undefined {
    if (!this.#parts.budget.hasRoom()) return "busy";
    if (this.#parts.account?.isCrowded === true) return "busy";
    if (!this.#parts.shipper.hasRoomAhead) return "the tail is far behind";
    // integratord prints what a double holds of a number; the log has it as it was.
    return alert.hasInexactNumber ? "number that integratord rounds" : undefined;
  }

  /**
   * Node and id name an alert, but an id may repeat on a node. The other fields that integratord leaves as they are
   * distinguish such alerts, so that a copy is never attached to another alert's outcome. Undefined: it is not paired.
   */
  #fingerprintOf(alert: Alert, node: string, id: string, source: SourceName): Fingerprint | undefined {
    const { pairing } = this.#parts;
    if (pairing === undefined || sourceKind(source) === "replay" || alert.isOwn) return undefined;
    // Two copies by the same way, which an unanswered client sends again, say the same.
    const content = pairing.socketOnly ? alert.contentDigest() : "";
    if (pairing.socketOnly) this.#setContent(content);
    const hash = alert.identityHash(node, content);
    if (hash !== undefined) return hash;
    const fingerprint = this.#fingerprint;
    fingerprint.begin(0);
    fingerprint.text(node);
    fingerprint.text(id);
    alert.describeTo(fingerprint);
    fingerprint.text(content);
    fingerprint.end();
    return fingerprint;
  }

  /** Never `unknownContent`. */
  #setContent(digest: string): void {
    this.#content.high = wordAt(digest, 0);
    this.#content.low = wordAt(digest, 4) || 1;
  }

  #storeDeadLetter(delivery: Delivery, reason: DeadReason, detail: string): Verdict {
    const { budget, pairing, shipper, node } = this.#parts;
    const { source, place, bytes, owner, line = unknownLine } = delivery;
    const counters = this.#parts.counters[source];
    const isBounded = sourceKind(source) === "push" && pairing?.socketOnly === false;
    if (isBounded && (this.#storingBytes >= budget.limitBytes * storingShare || !budget.hasRoom())) {
      // Nobody may fill the memory with lines that are not alerts; a real one comes again through the tail.
      counters.passedBy(1);
      owner.settled("ignored", line);
      return { kind: "rejected", id: undefined, reason: detail };
    }
    this.#parts.account?.broken(source, line, 0, reason);
    const sizeBytes = weightOf(bytes, []);
    counters.taken();
    budget.take(sizeBytes);
    if (isBounded) this.#storingBytes += sizeBytes;
    const entry = { source, node: node.name, reason, detail, place, bytes };
    const stored = storeDeadLetter(this.#parts, entry, sizeBytes).then(() => {
      budget.release(sizeBytes);
      if (isBounded) this.#storingBytes -= sizeBytes;
      counters.settled("dead-letter");
      owner.settled("dead-letter", line);
    });
    shipper.track(stored);
    return { kind: "rejected", id: undefined, reason: detail };
  }
}

/** What became of a copy, for people. */
function pairedReason(verdict: Verdict): string {
  if (verdict.kind !== "deferred" || verdict.alreadySeen)
    return "a second copy: the other source has brought this alert";
  return `left to the tail: ${verdict.reason}`;
}

/** Four characters of one byte each as a signed number. */
function wordAt(digest: string, at: number): number {
  return (
    (digest.charCodeAt(at) << 24) |
    (digest.charCodeAt(at + 1) << 16) |
    (digest.charCodeAt(at + 2) << 8) |
    digest.charCodeAt(at + 3)
  );
}
