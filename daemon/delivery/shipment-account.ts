import { hash } from "node:crypto";
import {
  namesInKey,
  sourceKind,
  unknownLine,
  type DeadReason,
  type FoundValue,
  type FoundValues,
  type OffsetsByPartition,
  type SourceName,
} from "../contract.ts";
import { none, withOneMore } from "../pairing/pairing.ts";
import { digestAt } from "../manifest/record-digest.ts";
import type { LineAccount } from "../proof/account.ts";
import type { Contribution, CountedRecord } from "../proof/contribution.ts";
import type { CountedShipment, MadePart, Shipment } from "./shipment.ts";

/** What is known of records of an earlier process. */
interface FormerRecords {
  /** Per `topic/partition`, the offset behind the last record that it knew when it wrote the checkpoint. */
  readonly formerNext: OffsetsByPartition;
  /** Records that may be in no manifest, as `Proof.undecided`; those of which it is known are taken out. */
  readonly undecided: Map<string, CountedRecord | undefined>;
}

/** What shipments add to the account of the lines of the log, from which manifests are made. */
export class ShipmentAccount {
  readonly #account: LineAccount;
  /** What the checkpoint of an earlier process had. */
  #former: FormerRecords = { formerNext: {}, undecided: new Map() };
  #isLookedUp = false;

  constructor(account: LineAccount) {
    this.#account = account;
  }

  /** An earlier process may have sent what no manifest has. `lookedUp` follows. */
  resume(former: FormerRecords): void {
    this.#former = former;
    this.#account.holdOpenFrom();
  }

  /**
   * The look-up is over. What an earlier process sent after its last checkpoint is in no manifest: which of it no line uses
   * is known at the end (`leftBehind`), and until then each checkpoint says that it is not.
   */
  lookedUp(found: FoundValues | undefined): void {
    for (const [key, values] of found ?? [])
      for (const value of values) {
        const known = this.#former.formerNext[`${value.topic}/${value.partition}`] ?? Number.POSITIVE_INFINITY;
        if (value.isReplay || value.offset < known) continue;
        const { node, id, handler } = namesInKey(key);
        const digest = this.#account.digestOf({ topic: value.topic, handler, node, id }, value.valueHash);
        if (digest !== undefined) this.#former.undecided.set(digest, this.#former.undecided.get(digest));
      }
    this.#isLookedUp = true;
    this.#releaseOpenFrom();
  }

  /** Records of an earlier process that are in no manifest yet; undefined until the look-up is over. */
  get undecided(): number | undefined {
    return this.#isLookedUp ? this.#former.undecided.size : undefined;
  }

  /** The log alone may add to it. */
  get isCrowded(): boolean {
    return this.#account.isCrowded;
  }

  /** The shipment's records will be sent, but perhaps not before a look-up is over. `begin` follows. */
  expects({ id }: Shipment): void {
    this.#account.expect(id);
  }

  /** The shipment's records are about to be counted. */
  begin(shipment: Shipment): void {
    const { id, source, line, openParts } = shipment;
    this.#account.expectNoMore(id);
    const isLineKnown = sourceKind(source) === "log" && line !== unknownLine;
    if (!isLineKnown || openParts > 1) shipment.counted = nothingCounted();
  }

  /** A record is about to be sent. */
  sends(shipment: Shipment, { topic, handler }: MadePart, part: number): void {
    const { source, node, id, counted } = shipment;
    const names = { topic, handler, node, id };
    if (counted === undefined) shipment.entry = this.#account.entry(names);
    else
      counted.records = withRecord(counted.records, part, this.#account.record(names, sourceKind(source) === "push"));
  }

  /** A record is in the sink. @param digests of its batch, as `wordsOf` gives them @param index the record's in these */
  acknowledged(shipment: Shipment, part: number, digests: Int32Array | undefined, index: number): void {
    const { counted, entry, line } = shipment;
    const record = counted?.records[part];
    if (entry === undefined && record === undefined) return;
    if (digests === undefined) throw new Error("a record that manifests count was sent without its digest");
    shipment.entry = undefined;
    if (entry !== undefined) this.#account.noteRecord(line, entry, digests, index);
    else if (record !== undefined) record.digest = digestAt(digests, index);
  }

  /** A record is there: an earlier process sent it. @param found undefined if the sink does not say how it was written */
  found(shipment: Shipment, made: MadePart, part: number, found: FoundValue | undefined): void {
    const { source, node, id } = shipment;
    const { topic, handler, value } = made;
    const valueHash = found?.valueHash ?? hash("sha256", value ?? "", "hex");
    const isFromSocket = found?.isFromSocket ?? sourceKind(source) === "push";
    const record = this.#account.found({ topic, handler, node, id }, valueHash, isFromSocket);
    if (record !== undefined && this.#former.undecided.delete(record.digest)) this.#releaseOpenFrom();
    const counted = (shipment.counted ??= nothingCounted());
    counted.records = withRecord(counted.records, part, record);
  }

  /** A handler made no record. */
  failed(shipment: Shipment, handler: string): void {
    const counted = (shipment.counted ??= nothingCounted());
    counted.dead = withOneMore(counted.dead, { topic: null, handler, reason: "handler-error" });
  }

  /** The sink refused a record. */
  refused(shipment: Shipment, part: number, reason: DeadReason): void {
    const entry = shipment.entry ?? shipment.counted?.records[part]?.entry;
    if (entry === undefined) return;
    shipment.entry = undefined;
    const counted = (shipment.counted ??= nothingCounted());
    if (counted.records.length > part) counted.records = withRecord(counted.records, part, undefined);
    this.#account.drop(entry);
    counted.dead = withOneMore(counted.dead, { topic: entry.topic, handler: entry.handler, reason });
  }

  /** The shipment is finished, and its line is known or there is none. Safe twice. */
  finished(shipment: Shipment): void {
    const { counted, line } = shipment;
    if (counted === undefined) return;
    shipment.counted = undefined;
    const contribution = contributionOf(counted);
    if (line === unknownLine) this.#account.addUnlined(contribution.records, contribution.dead);
    else this.#account.note(line, contribution);
  }

  /**
   * Records of an earlier process that no line has used, now that all of them came by. Their lines are gone, as after a loss of
   * power. Those that it sent after its last checkpoint, or that the checkpoint has for a line beyond the position, are in no
   * manifest; the latter were acknowledged, whether or not the look-up began early enough to find them.
   */
  leftBehind(left: FoundValues): void {
    for (const [key, values] of left) {
      const { node, id, handler } = namesInKey(key);
      for (const { topic, valueHash, isFromSocket, isReplay } of values) {
        if (isReplay) continue;
        const record = this.#account.found({ topic, handler, node, id }, valueHash, isFromSocket);
        if (record === undefined) continue;
        if (this.#former.undecided.delete(record.digest)) this.#account.addUnlined([record], []);
        else this.#account.drop(record.entry);
      }
    }
    for (const record of this.#former.undecided.values()) {
      if (record === undefined) continue;
      this.#account.reopen([record]);
      this.#account.addUnlined([record], []);
    }
    this.#former.undecided.clear();
    this.#releaseOpenFrom();
  }

  /** While a record is undecided, its bucket may still grow; which one that is its digest does not say. */
  #releaseOpenFrom(): void {
    if (this.#isLookedUp && this.#former.undecided.size === 0) this.#account.releaseOpenFrom();
  }

  /** A line of the log is not an alert. @param reason of the dead letter that it becomes; undefined: its pieces are noted */
  broken(source: SourceName, line: number, salvaged: number, reason?: DeadReason): void {
    if (sourceKind(source) !== "log" || line === unknownLine) return;
    const dead = reason === undefined ? none : [{ topic: null, handler: null, reason }];
    this.#account.note(line, { kind: "broken", salvaged, records: none, dead });
  }
}

function nothingCounted(): CountedShipment {
  return { kind: "relevant", salvaged: 0, records: none, dead: none };
}

/** The records with that of a part; a list of its own, as small as may be, because there is one for each alert in flight. */
function withRecord(
  records: readonly (CountedRecord | undefined)[],
  part: number,
  record: CountedRecord | undefined,
): readonly (CountedRecord | undefined)[] {
  if (part === 0 && records.length <= 1) return [record];
  const all = Array.from({ length: Math.max(records.length, part + 1) }, (_, index) => records[index]);
  all[part] = record;
  return all;
}

/** Without what was refused; nearly always all records are there, and nothing is copied. */
export function contributionOf(counted: CountedShipment): Contribution {
  if (isWhole(counted)) return counted;
  return { ...counted, records: counted.records.filter((record) => record !== undefined) };
}

function isWhole(counted: CountedShipment): counted is CountedShipment & Contribution {
  const { records } = counted;
  for (let index = 0; index < records.length; index++) if (records[index] === undefined) return false;
  return true;
}
