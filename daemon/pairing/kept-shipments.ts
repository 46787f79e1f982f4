import type { Fingerprint } from "./fingerprint.ts";

/** What can be kept: it notes its own handle. */
export interface Keepable {
  /** Its number here; 0 while it is not kept. */
  handle: number;
}

const initialCapacity = 1024;

/**
 * Shipments by number, and for each the alert that it belongs to, in flat arrays. A number, its handle, is used again
 * after it was removed. Those of one alert are a list, linked both ways, the highest `copy` first: mostly there is one.
 */
export class KeptShipments<Shipment extends Keepable> {
  /** By handle; 0 is never one. */
  readonly #shipments: (Shipment | undefined)[] = [undefined];
  #high = new Int32Array(initialCapacity);
  #low = new Int32Array(initialCapacity);
  /** Which copy of the alert it was shipped for. */
  #copy = new Int32Array(initialCapacity);
  /** The next one of the same alert; of a free number, the next free one. */
  #next = new Int32Array(initialCapacity);
  #previous = new Int32Array(initialCapacity);
  #free = 0;
  /** Of `fingerprint`. */
  readonly #read = { high: 0, low: 0 };

  get(handle: number): Shipment | undefined {
    return this.#shipments[handle];
  }

  /** The alert of a shipment that is kept; the same object each time. */
  fingerprint(handle: number): Fingerprint {
    this.#read.high = this.#high[handle]!;
    this.#read.low = this.#low[handle]!;
    return this.#read;
  }

  copyOf(handle: number): number {
    return this.#copy[handle]!;
  }

  /** The handle in the list beginning with `first` that is of this copy; 0 if there is none. */
  find(first: number, copy: number): number {
    const handle = this.#notAbove(first, copy);
    return handle !== 0 && this.#copy[handle] === copy ? handle : 0;
  }

  /**
   * Keeps a shipment. One that is kept for the same copy of the same alert is not kept any longer.
   * @param first  the first handle of the alert's list; 0 if it has none
   * @param copy   above 0
   * @returns the first handle of its list from now on
   */
  add(shipment: Shipment, { high, low }: Fingerprint, first: number, copy: number): number {
    const behind = this.#notAbove(first, copy);
    if (behind !== 0 && this.#copy[behind] === copy) {
      const former = this.#shipments[behind];
      if (former !== undefined) former.handle = 0;
      shipment.handle = behind;
      this.#shipments[behind] = shipment;
      return first;
    }
    const handle = this.#newHandle();
    const before = behind === 0 ? this.#lastOf(first) : this.#previous[behind]!;
    this.#shipments[handle] = shipment;
    this.#high[handle] = high;
    this.#low[handle] = low;
    this.#copy[handle] = copy;
    this.#next[handle] = behind;
    this.#previous[handle] = before;
    if (behind !== 0) this.#previous[behind] = handle;
    if (before !== 0) this.#next[before] = handle;
    shipment.handle = handle;
    return before === 0 ? handle : first;
  }

  /**
   * Removes a shipment that is kept.
   * @returns the handle that is the first of its list from now on (0: none), or -1 if that is the same one as before
   */
  remove(shipment: Shipment): number {
    const { handle } = shipment;
    const next = this.#next[handle]!;
    const previous = this.#previous[handle]!;
    if (next !== 0) this.#previous[next] = previous;
    if (previous !== 0) this.#next[previous] = next;
    this.#shipments[handle] = undefined;
    this.#next[handle] = this.#free;
    this.#free = handle;
    shipment.handle = 0;
    return previous === 0 ? next : -1;
  }

  *[Symbol.iterator](): Iterator<Shipment> {
    for (const shipment of this.#shipments) if (shipment !== undefined) yield shipment;
  }

  /** The first in the list whose copy is not above this one; 0 if there is none. */
  #notAbove(first: number, copy: number): number {
    let handle = first;
    while (handle !== 0 && this.#copy[handle]! > copy) handle = this.#next[handle]!;
    return handle;
  }

  #lastOf(first: number): number {
    let handle = first;
    while (handle !== 0 && this.#next[handle] !== 0) handle = this.#next[handle]!;
    return handle;
  }

  #newHandle(): number {
    if (this.#free !== 0) {
      const handle = this.#free;
      this.#free = this.#next[handle]!;
      return handle;
    }
    const handle = this.#shipments.push(undefined) - 1;
    if (handle >= this.#copy.length) {
      this.#high = grown(this.#high);
      this.#low = grown(this.#low);
      this.#copy = grown(this.#copy);
      this.#next = grown(this.#next);
      this.#previous = grown(this.#previous);
    }
    return handle;
  }
}

function grown(column: Int32Array): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(column.length * 2);
  longer.set(column);
  return longer;
}
