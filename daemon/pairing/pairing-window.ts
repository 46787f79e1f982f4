import {
  CopyCounts,
  packed,
  unknownContent,
  unpacked,
  type Content,
  type Copies,
  type Fingerprint,
} from "./copy-counts.ts";

/**
 * What to do with a copy of an alert.
 * - first: no other way has brought it; ship it. `differs`: the socket has brought one with other content.
 * - second: the `occurrence` copy of the other way covers it; attach it to that one's outcome.
 * - repeat: the socket has brought this alert before and the log holds no further line of it so far; the tail decides.
 * - covered: a socket copy older than the window; the tail has read past it, so the log's line has been dealt with.
 * - full: no room to remember a socket copy until the tail comes by; left to the tail.
 * - differs: a socket copy that differs from the log's line; the line was shipped, and this copy is ignored.
 */
export type WindowVerdict =
  | { readonly kind: "first"; readonly occurrence: number; readonly differs: boolean }
  | { readonly kind: "duplicate"; readonly occurrence: number }
  | { readonly kind: "repeat" }
  | { readonly kind: "covered" }
  | { readonly kind: "full" }
  | { readonly kind: "differs" };

/**
 * Numbers that a remembered alert takes in a saved window: high, low, copies by both ways, second of the alert + 1, and
 * the two halves of what it says.
 */
export const savedWords = 6;

/**
 * Recognises the same alert from two sources. The log is what counts: each of its lines is one alert, also when two
 * share an id, and the k-th line of an id pairs with the k-th socket copy. The socket ships a copy only when neither
 * way has brought that alert before, so however often a copy is repeated on the socket, no more records come out than
 * there are lines in the log.
 *
 *   tail: ship, socket: second                 the usual order (integratord polls once a second)
 *   socket: ship, tail: second                 the socket was faster
 *   socket: ship, socket: repeat, tail: second, tail: ship (a second line with the same id)
 *
 * The log is authoritative. A socket copy that names an alert and has other content (integratord's
 * re-print aside) never counts for the log's line: the line is shipped too, or was already, and the difference is
 * reported.
 *
 * The window is bounded. Its oldest entries are forgotten first, but an alert that only the socket has brought is kept
 * until the tail comes by: forgetting it would send it twice. When those fill their share, further socket copies are
 * left to the tail.
 */
export class PairingWindow {
  readonly #table: CopyCounts;
  readonly #capacity: number;
  readonly #aheadLimit: number;
  /** The window as a ring in order of arrival: high, low, second of the alert + 1. */
  readonly #ring: Uint32Array;
  #oldest = 0;
  #entries = 0;
  /** Alerts that only the socket has brought. */
  #ahead = 0;
  /** Second of the newest alert that was forgotten. */
  #forgottenSecond = -1;
  /** An alert whose second is not known was forgotten. */
  #hasForgottenTimeless = false;

  /** @param capacity alerts remembered, at least 2; `aheadLimit` of them may be ones that the tail has yet to read */
  constructor(capacity = 262_144, aheadLimit = 200_000) {
    this.#capacity = capacity;
    // One place is left for an alert of the tail, or there would be nothing that may be forgotten for it.
    this.#aheadLimit = Math.min(aheadLimit, capacity - 2);
    this.#table = new CopyCounts(capacity);
    this.#ring = new Uint32Array(capacity * 3);
  }

  get size(): number {
    return this.#entries;
  }

  /** Whether either way has brought this alert: it is then relevant, without asking the handlers. */
  knows(fingerprint: Fingerprint): boolean {
    return !isNew(this.#table.get(fingerprint));
  }

  /** Socket copies up to this second are covered although the window does not hold them: an earlier process had them. */
  forgetUpTo(second: number): void {
    this.#forgottenSecond = Math.max(this.#forgottenSecond, second);
  }

  get forgottenSecond(): number {
    return this.#forgottenSecond;
  }

  /**
   * A line of the log.
   * @param second  of the alert (Unix time), from its id; -1 when unknown
   * @param content digest of its content
   */
  tail(fingerprint: Fingerprint, second: number, content: Content = unknownContent): WindowVerdict {
    const copies = this.#table.get(fingerprint);
    const occurrence = copies.tail + 1;
    if (isNew(copies)) this.#enter(fingerprint, second);
    const isAlike = isNew(copies) || this.#says(fingerprint, content);
    const differs = isAhead(copies) && !isAlike;
    if (isAhead(copies)) this.#ahead -= 1;
    this.#table.set(fingerprint, { tail: occurrence, socket: differs ? 0 : copies.socket });
    // Lines that share everything that names an alert but differ in content: no copy can be compared with one of them.
    if (isNew(copies) || !isAlike) this.#table.setContent(fingerprint, occurrence === 1 ? content : unknownContent);
    return copies.socket >= occurrence && !differs
      ? { kind: "duplicate", occurrence }
      : { kind: "first", occurrence, differs };
  }

  /**
   * A copy by the socket.
   * @param tailSecond second of the newest alert that the tail has read; -1 when the tail is off or has read nothing
   * @param content    what it says
   */
  socket(
    fingerprint: Fingerprint,
    second: number,
    tailSecond: number,
    content: Content = unknownContent,
  ): WindowVerdict {
    const copies = this.#table.get(fingerprint);
    if (isNew(copies)) {
      const mayBeForgotten = second < 0 ? this.#hasForgottenTimeless : second <= this.#forgottenSecond;
      if (mayBeForgotten && second <= tailSecond) return { kind: "covered" };
      if (this.#ahead >= this.#aheadLimit) return { kind: "full" };
      this.#enter(fingerprint, second);
      this.#ahead += 1;
      this.#table.set(fingerprint, { tail: 0, socket: 1 });
      this.#table.setContent(fingerprint, content);
      return { kind: "first", occurrence: 1, differs: false };
    }
    if (copies.tail > 0 && !this.#says(fingerprint, content)) return { kind: "differs" };
    const occurrence = copies.socket + 1;
    if (occurrence > copies.tail) return { kind: "repeat" };
    this.#table.set(fingerprint, { tail: copies.tail, socket: occurrence });
    return { kind: "duplicate", occurrence };
  }

  /** Takes back that a source has brought a copy: it was not shipped, and another copy of it must be. */
  undo(fingerprint: Fingerprint, source: "tail" | "socket"): void {
    const copies = this.#table.get(fingerprint);
    if (copies[source] === 0) return;
    if (isAhead(copies)) this.#ahead -= 1;
    const left = { ...copies, [source]: copies[source] - 1 };
    if (isAhead(left)) this.#ahead += 1;
    this.#table.set(fingerprint, left);
  }

  /** The window for a proper stop: `savedWords` numbers an alert, the oldest first. */
  save(): Uint32Array {
    const words = new Uint32Array(this.#entries * savedWords);
    let length = 0;
    for (let i = 0; i < this.#entries; i++) {
      const [fingerprint, second] = this.#at((this.#oldest + i) % this.#capacity);
      const copies = this.#table.get(fingerprint);
      if (isNew(copies)) continue;
      words[length] = fingerprint.high;
      words[length + 1] = fingerprint.low;
      words[length + 2] = packed(copies);
      words[length + 3] = second + 1;
      const { high, low } = this.#table.content(fingerprint);
      words[length + 4] = high;
      words[length + 5] = low;
      length += savedWords;
    }
    return words.subarray(0, length);
  }

  /** Reads back what `save` gave, into an empty window. Any numbers do: what cannot be an alert takes no place. */
  restore(words: Uint32Array): void {
    for (let i = 0; i + savedWords <= words.length && this.#entries < this.#capacity - 1; i += savedWords) {
      const fingerprint = { high: words[i] ?? 0, low: words[i + 1] ?? 0 };
      const copies = unpacked(words[i + 2] ?? 0);
      if (isNew(copies) || !isNew(this.#table.get(fingerprint))) continue;
      if (isAhead(copies)) {
        if (this.#ahead >= this.#aheadLimit) continue;
        this.#ahead += 1;
      }
      this.#enter(fingerprint, (words[i + 3] ?? 0) - 1);
      this.#table.set(fingerprint, copies);
      this.#table.setContent(fingerprint, { high: words[i + 4] ?? 0, low: words[i + 5] ?? 0 });
    }
  }

  /** Whether the known content of this alert matches this content. */
  #says(fingerprint: Fingerprint, content: Content): boolean {
    const known = this.#table.content(fingerprint);
    if (known.high === content.high && known.low === content.low) return true;
    return (known.high === 0 && known.low === 0) || (content.high === 0 && content.low === 0);
  }

  #enter(fingerprint: Fingerprint, second: number): void {
    while (this.#entries >= this.#capacity - 1) this.#forgetOne();
    this.#put((this.#oldest + this.#entries) % this.#capacity, fingerprint, second);
    this.#entries += 1;
  }

  /** Forgets the oldest entry that may be forgotten; one that waits for the tail goes to the end of the line. */
  #forgetOne(): void {
    const [fingerprint, second] = this.#at(this.#oldest);
    this.#oldest = (this.#oldest + 1) % this.#capacity;
    this.#entries -= 1;
    const copies = this.#table.get(fingerprint);
    if (isAhead(copies)) {
      this.#put((this.#oldest + this.#entries) % this.#capacity, fingerprint, second);
      this.#entries += 1;
      return;
    }
    this.#table.set(fingerprint, { tail: 0, socket: 0 });
    if (second < 0) this.#hasForgottenTimeless = true;
    this.#forgottenSecond = Math.max(this.#forgottenSecond, second);
  }

  #put(index: number, fingerprint: Fingerprint, second: number): void {
    this.#ring[index * 3] = fingerprint.high;
    this.#ring[index * 3 + 1] = fingerprint.low;
    this.#ring[index * 3 + 2] = second + 1;
  }

  #at(index: number): [Fingerprint, number] {
    const ring = this.#ring;
    return [{ high: ring[index * 3] ?? 0, low: ring[index * 3 + 1] ?? 0 }, (ring[index * 3 + 2] ?? 0) - 1];
  }
}

function isNew(copies: Copies): boolean {
  return copies.tail === 0 && copies.socket === 0;
}

function isAhead(copies: Copies): boolean {
  return copies.socket > 0 && copies.tail === 0;
}
