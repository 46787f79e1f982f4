import type { SourceName } from "./contract.ts";
import type { Content, Fingerprint } from "./fingerprint-table.ts";
import type { Pairing } from "./pairing.ts";
import { withOneMore, type Delivery, type Shipment } from "./shipment.ts";

export type CoupleVerdict =
  /** `differs`: the socket has brought a copy that says something else, and that copy was shipped. */
  | { readonly kind: "first"; readonly nth: number; readonly differs: boolean }
  | { readonly kind: "second"; readonly nth: number }
  /**
   * `isSeen`: it was brought before; the tail decides whether there is another one like it. `differs`: it does not say
   * what the log's line says.
   */
  | { readonly kind: "left"; readonly reason: string; readonly isSeen: boolean; readonly differs: boolean };

/** The pairing window as it is saved on a proper stop. */
export interface SavedWindow {
  /** Second of the newest alert that the window has forgotten; -1 for none. */
  readonly forgottenSecond: number;
  /** As `Pairing.save` gives it: that of a forwarder in use is always full, so it stays flat. */
  readonly words: Uint32Array;
}

const leftBecause = {
  repeat: { kind: "left", reason: "seen before", isSeen: true, differs: false },
  covered: { kind: "left", reason: "the tail has passed it", isSeen: true, differs: false },
  full: { kind: "left", reason: "the tail is far behind", isSeen: false, differs: false },
  differs: { kind: "left", reason: "differs from the line of the log", isSeen: true, differs: true },
} as const satisfies Record<string, CoupleVerdict>;

const other = { socket: "tail", tail: "socket" } as const;

/**
 * Pairs deliveries of the socket and the tail, and ties the second copy to the outcome of the first. A shipment is
 * kept here while it is open; one of the socket also until the tail has come by, which then has to know its place in the
 * sink.
 */
export class Couples {
  readonly #pairing: Pairing;
  readonly #shipments = new Map<string, Shipment>();
  /** With the tail off: recognises an alert that a client sends again because it got no answer. */
  readonly isLone: boolean;
  /** Second of the newest alert that the tail has brought. */
  #tailSecond = -1;

  constructor(pairing: Pairing, options: { isLone: boolean }) {
    this.#pairing = pairing;
    this.isLone = options.isLone;
  }

  get size(): number {
    return this.#pairing.size;
  }

  knows(print: Fingerprint): boolean {
    return this.#pairing.knows(print);
  }

  /**
   * @param content what the copy says
   * @param leave   why a socket copy should not be shipped itself, if there is a reason
   */
  pair(
    source: SourceName,
    print: Fingerprint,
    second: number,
    content: Content,
    leave: string | undefined,
  ): CoupleVerdict {
    if (this.isLone && this.knows(print)) return { kind: "second", nth: 1 };
    if (source === "tail" || this.isLone) {
      this.#tailSecond = Math.max(this.#tailSecond, second);
      const pair = this.#pairing.tail(print, second, content);
      if (pair.kind === "first" || pair.kind === "second") return pair;
      throw new Error(`the tail's copy cannot be "${pair.kind}"`);
    }
    if (leave !== undefined && !this.knows(print)) {
      return { kind: "left", reason: leave, isSeen: false, differs: false };
    }
    const pair = this.#pairing.socket(print, second, this.#tailSecond, content);
    return pair.kind === "first" || pair.kind === "second" ? pair : leftBecause[pair.kind];
  }

  /** A shipment that the other source's copy may be tied to. */
  enter(shipment: Shipment): void {
    const { print, source, nth } = shipment;
    if (print !== undefined) this.#shipments.set(keyOf(source, print, nth), shipment);
  }

  /**
   * Ties a second copy to the first one's outcome. Returns the first one's shipment while it is kept; settles the copy
   * at once where the first is done.
   */
  tie(delivery: Delivery, print: Fingerprint, nth: number): Shipment | undefined {
    const source = delivery.source === "tail" ? "tail" : "socket";
    const shipment = this.#shipments.get(keyOf(this.isLone ? source : other[source], print, nth));
    const { owner } = delivery;
    if (shipment === undefined) owner.settled("acknowledged");
    else if (shipment.outcome !== undefined) owner.settled(shipment.outcome);
    else shipment.ties = withOneMore(shipment.ties, { source, owner });
    return shipment;
  }

  /**
   * The shipment of a socket copy that does not say what the log's line says: no line of the log stands for it.
   * Undefined where an earlier process shipped it.
   */
  contradicted(print: Fingerprint): Shipment | undefined {
    return this.#shipments.get(keyOf("socket", print, 1));
  }

  /** Forgets a shipment that has its outcome, and whose records nobody asks for by its copies any more. */
  done(shipment: Shipment): void {
    this.#forget(shipment);
  }

  /** The socket's copy, just tied, takes over a shipment that has not left yet (`sources.tail.wait`). */
  reown(shipment: Shipment): void {
    const { source, owner, ties } = shipment;
    const next = ties.at(-1);
    if (next === undefined) throw new Error("nobody to take the shipment over");
    this.#forget(shipment);
    shipment.ties = withOneMore(ties.slice(0, -1), { source, owner });
    shipment.source = next.source;
    shipment.owner = next.owner;
    shipment.isMet = true;
    this.enter(shipment);
  }

  /**
   * What an earlier process left: the second up to which its tail had come, and the window of the last proper stop, which
   * may lie further back: it outlives a crash soon after the start, and stays where it cannot be removed.
   */
  restore(window: SavedWindow | undefined, passedSecond: number): void {
    this.#pairing.forgetUpTo(Math.max(window?.forgottenSecond ?? -1, passedSecond));
    this.#tailSecond = Math.max(this.#tailSecond, passedSecond);
    if (window !== undefined) this.#pairing.restore(window.words);
  }

  /**
   * The window for a proper stop. Alerts without an outcome are taken out of it: their lines are read again, and must
   * then be shipped and not be taken for second copies.
   */
  save(): SavedWindow {
    for (const shipment of this.#shipments.values()) {
      const { print } = shipment;
      if (shipment.outcome !== undefined || print === undefined) continue;
      if (this.isLone) this.#pairing.undo(print, "tail");
      else for (const { source } of [shipment, ...shipment.ties]) this.#undo(print, source);
    }
    return { forgottenSecond: this.#pairing.forgottenSecond, words: this.#pairing.save() };
  }

  #undo(print: Fingerprint, source: SourceName): void {
    if (source !== "replay") this.#pairing.undo(print, source);
  }

  #forget(shipment: Shipment): void {
    const { print, source, nth } = shipment;
    if (print !== undefined) this.#shipments.delete(keyOf(source, print, nth));
  }
}

function keyOf(source: SourceName, print: Fingerprint, nth: number): string {
  return `${source}${print.high.toString(36)}.${print.low.toString(36)}.${nth}`;
}
