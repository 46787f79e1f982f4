import { sourceKind, unknownLine, type Outcome, type Owner, type SourceName, type Waiter } from "../contract.ts";
import type { Content } from "./copy-counts.ts";
import type { Fingerprint } from "./fingerprint.ts";
import { KeptShipments, type Keepable } from "./kept-shipments.ts";
import type { PairingWindow } from "./pairing-window.ts";

/** For lists that mostly stay empty, of which there is one in every shipment. */
export const none: readonly never[] = [];

/** A list with one more at its end. Most never get a second one, and `push` makes room for 17. */
export function withOneMore<T>(list: readonly T[], one: T): readonly T[] {
  return list.length === 0 ? [one] : [...list, one];
}

/** What is paired: an alert on its way, as far as pairing knows it. */
export interface PairedAlert extends Keepable {
  /** Whose copy it is. */
  source: SourceName;
  owner: Owner;
  readonly outcome: Outcome | undefined;
  /** Copies from another source that wait for the same outcome. */
  waiters: readonly Waiter[];
  /** The tail has brought the alert: its line covers it in the checkpoint. */
  isMet: boolean;
}

export type PairingVerdict =
  /** `differs`: the socket has brought a copy with other content, and that copy was shipped. */
  | { readonly kind: "first"; readonly occurrence: number; readonly differs: boolean }
  | { readonly kind: "duplicate"; readonly occurrence: number }
  /**
   * `alreadySeen`: it was brought before; the tail decides whether there is another one like it. `differs`: it differs
   * from the log's line.
   */
  | { readonly kind: "deferred"; readonly reason: string; readonly alreadySeen: boolean; readonly differs: boolean };

/** The pairing window as it is saved on a proper stop. */
export interface SavedWindow {
  /** Second of the newest alert that the window has forgotten; -1 for none. */
  readonly forgottenSecond: number;
  /** As `Pairing.save` gives it: that of a forwarder in use is always full, so it stays flat. */
  readonly words: Uint32Array;
}

const deferredBecause = {
  repeat: { kind: "deferred", reason: "seen before", alreadySeen: true, differs: false },
  covered: { kind: "deferred", reason: "the tail has passed it", alreadySeen: true, differs: false },
  full: { kind: "deferred", reason: "the tail is far behind", alreadySeen: false, differs: false },
  differs: { kind: "deferred", reason: "differs from the line of the log", alreadySeen: true, differs: true },
} as const satisfies Record<string, PairingVerdict>;

/** A way by which copies come, as the window names it: the log is one, all sources that push are the other. */
type Way = "tail" | "socket";

const other = { socket: "tail", tail: "socket" } as const satisfies Record<Way, Way>;

/** The number of a copy among those of its alert: `KeptShipments` keeps at most one shipment for each. */
function copyOf(way: Way, occurrence: number): number {
  return occurrence * 2 + (way === "socket" ? 1 : 0);
}

/** Which of the copies by its way it is, counted from 1. */
function occurrenceOf(copy: number): number {
  return Math.floor(copy / 2);
}

/** Only of sources that are paired. */
function wayOf(source: SourceName): Way {
  return sourceKind(source) === "log" ? "tail" : "socket";
}

/**
 * Pairs deliveries of the socket and the tail, and attaches the second copy to the outcome of the first. A shipment is
 * kept here while it is open; one of the socket also until the tail has come by, which then has to know its place in the
 * sink.
 */
export class Pairing<Shipment extends PairedAlert> {
  readonly #window: PairingWindow;
  /** The window has, for each alert, the handle of its first one. */
  readonly #kept = new KeptShipments<Shipment>();
  /** With the tail off: recognises an alert that a client sends again because it got no answer. */
  readonly socketOnly: boolean;
  /** Second of the newest alert that the tail has brought. */
  #tailSecond = -1;

  constructor(window: PairingWindow, options: { socketOnly: boolean }) {
    this.#window = window;
    this.socketOnly = options.socketOnly;
  }

  get size(): number {
    return this.#window.size;
  }

  knows(fingerprint: Fingerprint): boolean {
    return this.#window.knows(fingerprint);
  }

  /**
   * @param content what the copy says
   * @param deferReason   why a socket copy should not be shipped itself, if there is a reason
   */
  pair(
    source: SourceName,
    fingerprint: Fingerprint,
    second: number,
    content: Content,
    deferReason: string | undefined,
  ): PairingVerdict {
    if (this.socketOnly && this.knows(fingerprint)) return { kind: "duplicate", occurrence: 1 };
    if (wayOf(source) === "tail" || this.socketOnly) {
      this.#tailSecond = Math.max(this.#tailSecond, second);
      const pair = this.#window.tail(fingerprint, second, content);
      if (pair.kind === "first" || pair.kind === "duplicate") return pair;
      throw new Error(`the tail's copy cannot be "${pair.kind}"`);
    }
    if (deferReason !== undefined && !this.knows(fingerprint)) {
      return { kind: "deferred", reason: deferReason, alreadySeen: false, differs: false };
    }
    const pair = this.#window.socket(fingerprint, second, this.#tailSecond, content);
    return pair.kind === "first" || pair.kind === "duplicate" ? pair : deferredBecause[pair.kind];
  }

  /** A shipment that the other source's copy may be attached to. */
  enter(shipment: Shipment, fingerprint: Fingerprint, occurrence: number): void {
    const former = this.#window.handle(fingerprint);
    const first = this.#kept.add(shipment, fingerprint, former, copyOf(wayOf(shipment.source), occurrence));
    if (first !== former) this.#window.setHandle(fingerprint, first);
  }

  /**
   * Attaches a second copy to the first one's outcome. Returns the first one's shipment while it is kept; settles the copy
   * at once if the first is done.
   */
  attach(delivery: Waiter, fingerprint: Fingerprint, occurrence: number): Shipment | undefined {
    const { source, owner, line = unknownLine } = delivery;
    const way = wayOf(source);
    const shipment = this.#find(fingerprint, copyOf(this.socketOnly ? way : other[way], occurrence));
    if (shipment === undefined) owner.settled("acknowledged", line);
    else if (shipment.outcome !== undefined) owner.settled(shipment.outcome, line);
    else shipment.waiters = withOneMore(shipment.waiters, { source, owner });
    return shipment;
  }

  /**
   * The shipment of a socket copy that differs from the log's line: no line of the log covers it.
   * Undefined if an earlier process shipped it.
   */
  contradicted(fingerprint: Fingerprint): Shipment | undefined {
    return this.#find(fingerprint, copyOf("socket", 1));
  }

  /** Forgets a shipment that has its outcome, and whose records nobody asks for by its copies any more. */
  done(shipment: Shipment): void {
    if (shipment.handle === 0) return;
    const fingerprint = this.#kept.fingerprint(shipment.handle);
    const first = this.#kept.remove(shipment);
    if (first >= 0) this.#window.setHandle(fingerprint, first);
  }

  /** The socket's copy, just attached, takes over a shipment that has not left yet (`sources.tail.wait`). */
  handOver(shipment: Shipment): void {
    const { source, owner, waiters } = shipment;
    const next = waiters.at(-1);
    if (next === undefined) throw new Error("nobody to take the shipment over");
    const { high, low } = this.#kept.fingerprint(shipment.handle);
    const occurrence = occurrenceOf(this.#kept.copyOf(shipment.handle));
    this.done(shipment);
    shipment.waiters = withOneMore(waiters.slice(0, -1), { source, owner });
    shipment.source = next.source;
    shipment.owner = next.owner;
    shipment.isMet = true;
    this.enter(shipment, { high, low }, occurrence);
  }

  /** Which alert a kept shipment of the socket is of, and which of its copies it is, counted from 1. */
  placeOf({ handle }: Shipment): { readonly high: number; readonly low: number; readonly occurrence: number } {
    const { high, low } = this.#kept.fingerprint(handle);
    return { high, low, occurrence: occurrenceOf(this.#kept.copyOf(handle)) };
  }

  /**
   * What an earlier process left: the second up to which its tail had come, and the window of the last proper stop, which
   * may lie further back: it outlives a crash soon after the start, and stays if it cannot be removed.
   * @param isKnown whether it is known what became of an alert that only the socket had brought. If it is not, the alert is
   *                left out: its line is shipped, and the look-up finds what was sent. Default: it is known of all
   */
  restore(
    window: SavedWindow | undefined,
    passedSecond: number,
    isKnown: (fingerprint: Fingerprint) => boolean = () => true,
  ): void {
    this.#window.forgetUpTo(Math.max(window?.forgottenSecond ?? -1, passedSecond));
    this.#tailSecond = Math.max(this.#tailSecond, passedSecond);
    if (window !== undefined) this.#window.restore(window.words, isKnown);
  }

  /**
   * The window for a proper stop. Alerts without an outcome are taken out of it: their lines are read again, and must
   * then be shipped and not be taken for second copies.
   */
  save(): SavedWindow {
    for (const shipment of this.#kept) {
      if (shipment.outcome !== undefined) continue;
      const fingerprint = this.#kept.fingerprint(shipment.handle);
      if (this.socketOnly) this.#window.undo(fingerprint, "tail");
      else for (const { source } of [shipment, ...shipment.waiters]) this.#window.undo(fingerprint, wayOf(source));
    }
    return { forgottenSecond: this.#window.forgottenSecond, words: this.#window.save() };
  }

  #find(fingerprint: Fingerprint, copy: number): Shipment | undefined {
    const first = this.#window.handle(fingerprint);
    return first === 0 ? undefined : this.#kept.get(this.#kept.find(first, copy));
  }
}
