import type { Content } from "../../../../daemon/pairing/copy-counts.ts";
import type { Fingerprint } from "../../../../daemon/pairing/fingerprint.ts";
import type { PairedAlert, PairingVerdict } from "../../../../daemon/pairing/pairing.ts";

export type Way = "tail" | "socket";

interface Entry {
  tail: number;
  socket: number;
  content: Content;
}

const unknown: Content = { high: 0, low: 0 };

/** What `Pairing` and its window promise, in maps; alerts are numbers. */
export class ModelPairing<Shipment extends PairedAlert> {
  readonly #capacity: number;
  readonly #aheadLimit: number;
  readonly #socketOnly: boolean;
  readonly #entries = new Map<number, Entry>();
  /** In order of arrival. */
  #remembered: { readonly number: number; readonly second: number }[] = [];
  readonly #shipments = new Map<string, Shipment>();
  #forgottenSecond = -1;
  #hasForgottenTimeless = false;
  #tailSecond = -1;

  constructor(capacity: number, aheadLimit: number, socketOnly: boolean) {
    this.#capacity = capacity;
    this.#aheadLimit = Math.min(aheadLimit, capacity - 2);
    this.#socketOnly = socketOnly;
  }

  get size(): number {
    return this.#remembered.length;
  }

  knows(number: number): boolean {
    return this.#entries.has(number);
  }

  pair(source: Way, number: number, second: number, content: Content, deferReason?: string): PairingVerdict {
    if (this.#socketOnly && this.knows(number)) return { kind: "duplicate", occurrence: 1 };
    if (source === "tail" || this.#socketOnly) {
      this.#tailSecond = Math.max(this.#tailSecond, second);
      return this.#tail(number, second, content);
    }
    if (deferReason !== undefined && !this.knows(number)) {
      return { kind: "deferred", reason: deferReason, alreadySeen: false, differs: false };
    }
    return this.#socket(number, second, content);
  }

  enter(shipment: Shipment, number: number, occurrence: number): void {
    this.#shipments.set(`${shipment.source} ${number} ${occurrence}`, shipment);
  }

  /** The shipment that a second copy is attached to. */
  find(source: Way, number: number, occurrence: number): Shipment | undefined {
    const other = this.#socketOnly || source === "tail" ? "socket" : "tail";
    return this.#shipments.get(`${other} ${number} ${occurrence}`);
  }

  contradicted(number: number): Shipment | undefined {
    return this.#shipments.get(`socket ${number} 1`);
  }

  forget(shipment: Shipment): void {
    for (const [key, kept] of this.#shipments) if (kept === shipment) this.#shipments.delete(key);
  }

  save(fingerprintOf: (number: number) => Fingerprint): { forgottenSecond: number; words: number[] } {
    for (const [key, shipment] of this.#shipments) {
      if (shipment.outcome !== undefined) continue;
      const number = Number(key.split(" ")[1]);
      if (this.#socketOnly) this.#undo(number, "tail");
      else {
        for (const { source } of [shipment, ...shipment.waiters]) {
          this.#undo(number, source === "tail" ? "tail" : "socket");
        }
      }
    }
    const words = this.#remembered.flatMap(({ number, second }) => {
      const entry = this.#entries.get(number);
      if (entry === undefined) return [];
      const { high, low } = fingerprintOf(number);
      const { tail, socket, content } = entry;
      return [high, low, socket * 0x8000 + tail, second + 1, content.high >>> 0, content.low >>> 0];
    });
    return { forgottenSecond: this.#forgottenSecond, words };
  }

  #tail(number: number, second: number, content: Content): PairingVerdict {
    const entry = this.#entries.get(number);
    if (entry === undefined) {
      this.#remember(number, second, { tail: 1, socket: 0, content });
      return { kind: "first", occurrence: 1, differs: false };
    }
    const isAlike = says(entry, content);
    entry.tail += 1;
    const occurrence = entry.tail;
    const differs = occurrence === 1 && !isAlike;
    if (differs) entry.socket = 0;
    if (!isAlike) entry.content = occurrence === 1 ? content : unknown;
    return entry.socket >= occurrence ? { kind: "duplicate", occurrence } : { kind: "first", occurrence, differs };
  }

  #socket(number: number, second: number, content: Content): PairingVerdict {
    const entry = this.#entries.get(number);
    if (entry === undefined) {
      const mayBeForgotten = second < 0 ? this.#hasForgottenTimeless : second <= this.#forgottenSecond;
      if (mayBeForgotten && second <= this.#tailSecond) return deferred("the tail has passed it", true);
      const ahead = [...this.#entries.values()].filter(({ tail }) => tail === 0).length;
      if (ahead >= this.#aheadLimit) return deferred("the tail is far behind", false);
      this.#remember(number, second, { tail: 0, socket: 1, content });
      return { kind: "first", occurrence: 1, differs: false };
    }
    if (entry.tail > 0 && !says(entry, content)) {
      return { ...deferred("differs from the line of the log", true), differs: true };
    }
    if (entry.socket + 1 > entry.tail) return deferred("seen before", true);
    entry.socket += 1;
    return { kind: "duplicate", occurrence: entry.socket };
  }

  #undo(number: number, way: Way): void {
    const entry = this.#entries.get(number);
    if (entry === undefined || entry[way] === 0) return;
    entry[way] -= 1;
    if (entry.tail === 0 && entry.socket === 0) this.#entries.delete(number);
  }

  #remember(number: number, second: number, entry: Entry): void {
    while (this.#remembered.length >= this.#capacity - 1) {
      const oldest = this.#remembered.shift();
      if (oldest === undefined) break;
      const { tail } = this.#entries.get(oldest.number) ?? { tail: undefined };
      if (tail === 0) {
        this.#remembered.push(oldest);
        continue;
      }
      this.#entries.delete(oldest.number);
      if (oldest.second < 0) this.#hasForgottenTimeless = true;
      this.#forgottenSecond = Math.max(this.#forgottenSecond, oldest.second);
    }
    this.#remembered.push({ number, second });
    this.#entries.set(number, entry);
  }
}

function deferred(reason: string, alreadySeen: boolean) {
  return { kind: "deferred", reason, alreadySeen, differs: false } as const;
}

/** Whether a copy may be another one of what the entry holds; what is not known fits everything. */
function says({ content: known }: Entry, content: Content): boolean {
  return isUnknown(known) || isUnknown(content) || (known.high === content.high && known.low === content.low);
}

function isUnknown({ high, low }: Content): boolean {
  return high === 0 && low === 0;
}
