import { createHash, type Hash } from "node:crypto";
import { headersOf } from "../../../contract.ts";
import { headerNames } from "../../../header-names.ts";
import type { SealedBatch, RecordSlot } from "./sealed-batch.ts";
import type { FetchedRecord } from "../protocol/record-reader.ts";

const names: readonly string[] = [headerNames.id, headerNames.node, headerNames.handler];

function add(hash: Hash, bytes: Buffer | null): void {
  // The length keeps neighbours apart.
  hash.update(`${bytes === null ? -1 : bytes.length} `);
  if (bytes !== null) hash.update(bytes);
}

/** What two copies of a record have in common: alert id, node, handler and the value, byte by byte. */
function fingerprint(record: Pick<FetchedRecord, "headers" | "value">): string {
  const hash = createHash("sha256");
  for (const name of names) add(hash, record.headers.find(([header]) => header === name)?.[1] ?? null);
  add(hash, record.value);
  return hash.digest("base64");
}

/**
 * Finds out which records of unacknowledged batches are in the topic. Equal records count as often as they occur: one
 * found in the log counts for one that was sent, the oldest first.
 */
export class AppendedSearch {
  readonly #open = new Map<string, RecordSlot[]>();
  /** The offset of each record that was found. */
  readonly found = new Map<RecordSlot, number>();

  /** @param entries the batches that may be in the log, in the order of their sending */
  constructor(entries: readonly SealedBatch[]) {
    for (const slot of entries.flatMap(({ slots }) => slots)) {
      const print = fingerprint({ headers: headersOf(slot.record), value: slot.record.value });
      const equal = this.#open.get(print);
      if (equal === undefined) this.#open.set(print, [slot]);
      else equal.push(slot);
    }
  }

  /** Considers a record of the log; call it in the order of the offsets. */
  visit(record: Pick<FetchedRecord, "offset" | "headers" | "value">): void {
    const slot = this.#open.get(fingerprint(record))?.shift();
    if (slot !== undefined) this.found.set(slot, record.offset);
  }
}
