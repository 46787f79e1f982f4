import { CopyCounts, nowhere, unknownContent, unpacked, type Content } from "./copy-counts.ts";
import type { Fingerprint } from "./fingerprint.ts";

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

const first = { kind: "first", occurrence: 1, differs: false } as const;
const firstThatDiffers = { kind: "first", occurrence: 1, differs: true } as const;
const secondOfFirst = { kind: "duplicate", occurrence: 1 } as const;
const repeat = { kind: "repeat" } as const;
const covered = { kind: "covered" } as const;
const full = { kind: "full" } as const;
const differing = { kind: "differs" } as const;

/**
 * Numbers that a remembered alert takes in a saved window: high, low, copies by both ways, second of the alert + 1, and
 * the two halves of what it says.
 */
export const savedWords = 6;
const ringWords = 3;

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
  /** The window as a ring in order of arrival: high, low, second of the alert + 1. Signed, as in the table. */
  readonly #ring: Int32Array;
  #oldest = 0;
  #entries = 0;
  /** Alerts that only the socket has brought. */
  #ahead = 0;
  /** Second of the newest alert that was forgotten. */
  #forgottenSecond = -1;
  /** An alert whose second is not known was forgotten. */
  #hasForgottenTimeless = false;
  /** The fingerprint that was read from the ring last. */
  readonly #read = { high: 0, low: 0 };
  /** Handles of alerts that are forgotten; hardly ever any: their shipment is open for longer than a whole window. */
  readonly #strayHandles = new Map<string, number>();

  /** @param capacity alerts remembered, at least 2; `aheadLimit` of them may be ones that the tail has yet to read */
  constructor(capacity = 262_144, aheadLimit = 200_000) {
    this.#capacity = capacity;
    // One place is left for an alert of the tail, or there would be nothing that may be forgotten for it.
    this.#aheadLimit = Math.min(aheadLimit, capacity - 2);
    this.#table = new CopyCounts(capacity);
    this.#ring = new Int32Array(capacity * ringWords);
  }

  get size(): number {
    return this.#entries;
  }

  /** Whether either way has brought this alert: it is then relevant, without asking the handlers. */
  knows(fingerprint: Fingerprint): boolean {
    return this.#table.find(fingerprint) !== nowhere;
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
    const table = this.#table;
    const place = table.find(fingerprint);
    if (place === nowhere) {
      table.setContent(this.#enter(fingerprint, second, 1, 0), content);
      return first;
    }
    const occurrence = table.tailAt(place) + 1;
    const bySocket = table.socketAt(place);
    const isAhead = occurrence === 1;
    const isAlike = this.#says(place, content);
    const differs = isAhead && !isAlike;
    if (isAhead) this.#ahead -= 1;
    table.setCopies(place, occurrence, differs ? 0 : bySocket);
    // Lines that share everything that names an alert but differ in content: no copy can be compared with one of them.
    if (!isAlike) table.setContent(place, isAhead ? content : unknownContent);
    if (differs) return firstThatDiffers;
    if (bySocket >= occurrence) return occurrence === 1 ? secondOfFirst : { kind: "duplicate", occurrence };
    return { kind: "first", occurrence, differs: false };
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
    const table = this.#table;
    const place = table.find(fingerprint);
    if (place === nowhere) {
      const mayBeForgotten = second < 0 ? this.#hasForgottenTimeless : second <= this.#forgottenSecond;
      if (mayBeForgotten && second <= tailSecond) return covered;
      if (this.#ahead >= this.#aheadLimit) return full;
      this.#ahead += 1;
      table.setContent(this.#enter(fingerprint, second, 0, 1), content);
      return first;
    }
    const byTail = table.tailAt(place);
    if (byTail > 0 && !this.#says(place, content)) return differing;
    const occurrence = table.socketAt(place) + 1;
    if (occurrence > byTail) return repeat;
    table.setCopies(place, byTail, occurrence);
    return occurrence === 1 ? secondOfFirst : { kind: "duplicate", occurrence };
  }

  /** Takes back that a source has brought a copy: it was not shipped, and another copy of it must be. */
  undo(fingerprint: Fingerprint, source: "tail" | "socket"): void {
    const table = this.#table;
    const place = table.find(fingerprint);
    if (place === nowhere) return;
    const copies = unpacked(table.countsAt(place));
    if (copies[source] === 0) return;
    if (copies.tail === 0) this.#ahead -= 1;
    copies[source] -= 1;
    if (copies.tail === 0 && copies.socket > 0) this.#ahead += 1;
    if (copies.tail === 0 && copies.socket === 0) this.#remove(place, fingerprint);
    else table.setCopies(place, copies.tail, copies.socket);
  }

  /**
   * The handle that was set for an alert, or 0; also after the window has forgotten the alert, and when it is brought
   * again then.
   */
  handle(fingerprint: Fingerprint): number {
    const place = this.#table.find(fingerprint);
    if (place !== nowhere) return this.#table.handleAt(place);
    return this.#strayHandles.size === 0 ? 0 : (this.#strayHandles.get(keyOf(fingerprint)) ?? 0);
  }

  /** @param handle a number of 32 bits; 0 for none. Whoever sets another one has to set 0 in the end. */
  setHandle(fingerprint: Fingerprint, handle: number): void {
    const place = this.#table.find(fingerprint);
    if (place !== nowhere) this.#table.setHandle(place, handle);
    else if (handle === 0) this.#strayHandles.delete(keyOf(fingerprint));
    else this.#strayHandles.set(keyOf(fingerprint), handle);
  }

  /** The window for a proper stop: `savedWords` numbers an alert, the oldest first. */
  save(): Uint32Array {
    const table = this.#table;
    const words = new Uint32Array(this.#entries * savedWords);
    let length = 0;
    for (let i = 0; i < this.#entries; i++) {
      const index = (this.#oldest + i) % this.#capacity;
      const fingerprint = this.#fingerprintAt(index);
      const place = table.find(fingerprint);
      if (place === nowhere) continue;
      words[length] = fingerprint.high;
      words[length + 1] = fingerprint.low;
      words[length + 2] = table.countsAt(place);
      words[length + 3] = this.#secondAt(index) + 1;
      words[length + 4] = table.contentHighAt(place);
      words[length + 5] = table.contentLowAt(place);
      length += savedWords;
    }
    return words.subarray(0, length);
  }

  /**
   * Reads back what `save` gave, into an empty window. Any numbers do: what cannot be an alert takes no place.
   * @param isKept asked about each alert that only the socket has brought
   */
  restore(words: Uint32Array, isKept: (fingerprint: Fingerprint) => boolean = () => true): void {
    for (let i = 0; i + savedWords <= words.length && this.#entries < this.#capacity - 1; i += savedWords) {
      const fingerprint = { high: words[i] ?? 0, low: words[i + 1] ?? 0 };
      const { tail, socket } = unpacked(words[i + 2] ?? 0);
      if ((tail === 0 && socket === 0) || this.knows(fingerprint)) continue;
      if (tail === 0) {
        if (!isKept(fingerprint)) continue;
        if (this.#ahead >= this.#aheadLimit) continue;
        this.#ahead += 1;
      }
      const place = this.#enter(fingerprint, (words[i + 3] ?? 0) - 1, tail, socket);
      this.#table.setContent(place, { high: words[i + 4] ?? 0, low: words[i + 5] ?? 0 });
    }
  }

  /** Whether the known content of the alert in this place matches this content. */
  #says(place: number, { high, low }: Content): boolean {
    const knownHigh = this.#table.contentHighAt(place);
    const knownLow = this.#table.contentLowAt(place);
    if (knownHigh === (high | 0) && knownLow === (low | 0)) return true;
    return (knownHigh === 0 && knownLow === 0) || (high === 0 && low === 0);
  }

  /** Remembers a new alert. @returns its place in the table */
  #enter(fingerprint: Fingerprint, second: number, byTail: number, bySocket: number): number {
    while (this.#entries >= this.#capacity - 1) this.#forgetOne();
    this.#put((this.#oldest + this.#entries) % this.#capacity, fingerprint, second);
    this.#entries += 1;
    const place = this.#table.insert(fingerprint, byTail, bySocket);
    if (this.#strayHandles.size > 0) this.#takeStrayHandle(place, fingerprint);
    return place;
  }

  /** Forgets the oldest entry that may be forgotten; one that waits for the tail goes to the end of the line. */
  #forgetOne(): void {
    const fingerprint = this.#fingerprintAt(this.#oldest);
    const second = this.#secondAt(this.#oldest);
    this.#oldest = (this.#oldest + 1) % this.#capacity;
    this.#entries -= 1;
    const place = this.#table.find(fingerprint);
    if (place !== nowhere) {
      if (this.#table.tailAt(place) === 0) {
        this.#put((this.#oldest + this.#entries) % this.#capacity, fingerprint, second);
        this.#entries += 1;
        return;
      }
      this.#remove(place, fingerprint);
    }
    if (second < 0) this.#hasForgottenTimeless = true;
    this.#forgottenSecond = Math.max(this.#forgottenSecond, second);
  }

  /** Removes an entry from the table; its handle can be found still. */
  #remove(place: number, fingerprint: Fingerprint): void {
    const handle = this.#table.handleAt(place);
    if (handle !== 0) this.#strayHandles.set(keyOf(fingerprint), handle);
    this.#table.remove(place);
  }

  #takeStrayHandle(place: number, fingerprint: Fingerprint): void {
    const key = keyOf(fingerprint);
    const handle = this.#strayHandles.get(key);
    if (handle === undefined) return;
    this.#strayHandles.delete(key);
    this.#table.setHandle(place, handle);
  }

  #put(index: number, { high, low }: Fingerprint, second: number): void {
    this.#ring[index * ringWords] = high;
    this.#ring[index * ringWords + 1] = low;
    this.#ring[index * ringWords + 2] = second + 1;
  }

  /** The same object each time. */
  #fingerprintAt(index: number): Fingerprint {
    this.#read.high = this.#ring[index * ringWords]!;
    this.#read.low = this.#ring[index * ringWords + 1]!;
    return this.#read;
  }

  #secondAt(index: number): number {
    return (this.#ring[index * ringWords + 2]! >>> 0) - 1;
  }
}

/** The same for both ways of writing a half. */
function keyOf({ high, low }: Fingerprint): string {
  return `${high | 0}.${low | 0}`;
}
