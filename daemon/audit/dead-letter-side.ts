import { Alert } from "../alert/alert.ts";
import { deadLetterDirectory } from "../dead-letters/store.ts";
import { select } from "../dead-letters/reader.ts";
import { alertOrFault } from "../delivery/judge.ts";
import { idOf, secondOf } from "../delivery/shipment.ts";
import { describe } from "../errors.ts";
import { stemOfPath } from "../explain/line-whereabouts.ts";
import { entryFlags, entryKinds, identityOf, type Entry } from "./entries.ts";
import type { AuditNames } from "./names.ts";

/** Dead letters without their alert are known by their place, which is kept in memory. */
const maxPlaces = 200_000;

/** Dead letters of records, as the comparison needs them. */
export class DeadLetterSide {
  readonly #names: AuditNames;
  /** By handler and place: whether somebody has acknowledged it. */
  readonly #places = new Map<string, boolean>();
  /** Why some were not seen, a sentence each. */
  readonly troubles: string[] = [];

  constructor(names: AuditNames) {
    this.#names = names;
  }

  /**
   * Reads them all.
   * @param nodeOf the node that an alert's records name
   */
  async read(
    stateDir: string,
    maxRawBytes: number,
    nodeOf: (alert: Alert) => string,
    add: (entry: Entry) => void,
  ): Promise<void> {
    let unread = 0;
    const look = { maxRawBytes, bad: () => (unread += 1), foreign: () => (unread += 1) };
    try {
      for await (const { letter, isAcknowledged } of select(deadLetterDirectory(stateDir), { kind: "all" }, look)) {
        const { handler, raw, place, keptBytes } = letter;
        if (handler === undefined) continue; // It is not an alert, so nothing is missing of it.
        const alert =
          raw === undefined || keptBytes !== undefined ? undefined : alertOrFault(Buffer.from(raw, "base64"));
        if (alert instanceof Alert) add(this.#entry(handler, nodeOf(alert), idOf(alert), isAcknowledged));
        else if (this.#places.size < maxPlaces)
          this.#places.set(placeOf(handler, place.file, place.offset), isAcknowledged);
        else unread += 1;
      }
    } catch (reason) {
      this.troubles.push(`the dead letters cannot be read: ${describe(reason)}`);
    }
    if (unread > 0) this.troubles.push(`${unread} dead letters cannot be read`);
  }

  /** The flags of an expected entry whose dead letter has no alert any more. */
  flagsAt(handler: string, file: string, offset: number): number {
    const isAcknowledged = this.#places.size === 0 ? undefined : this.#places.get(placeOf(handler, file, offset));
    if (isAcknowledged === undefined) return 0;
    return entryFlags.hasLetter + (isAcknowledged ? entryFlags.acknowledged : 0);
  }

  #entry(handler: string, node: string, id: string, isAcknowledged: boolean): Entry {
    return {
      kind: entryKinds.letter,
      flags: isAcknowledged ? entryFlags.acknowledged : 0,
      identity: identityOf(handler, node, id),
      value: undefined,
      content: undefined,
      second: secondOf(id),
      place: 0,
      offset: 0,
      node: this.#names.nodes.number(node),
      handler: this.#names.handlers.number(handler),
      topic: 0,
    };
  }
}

function placeOf(handler: string, file: string, offset: number): string {
  return `${handler} ${stemOfPath(file) ?? file} ${offset}`;
}
