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
    this.#account.expectNoMore(shipment.id);
    shipment.counted = { kind: "relevant", salvaged: 0, records: none, dead: none };
  }

  /** A record is about to be sent. */
  sends({ source, node, id, counted }: Shipment, { topic, handler }: MadePart, index: number): void {
    const isFromSocket = sourceKind(source) === "push";
    const record = this.#account.record({ topic, handler, node, id }, isFromSocket);
    if (counted !== undefined) counted.records = withRecord(counted.records, index, record);
  }

  /** A record is in the sink. @param digest of what was sent, 32 characters of one byte each */
  acknowledged({ counted }: Shipment, index: number, digest: string | undefined): void {
    const record = counted?.records[index];
    if (record === undefined) return;
    if (digest === undefined) throw new Error("a record that manifests count was sent without its digest");
    record.digest = digest;
  }

  /** A record is there: an earlier process sent it. @param found undefined if the sink does not say how it was written */
  found(shipment: Shipment, part: MadePart, index: number, found: FoundValue | undefined): void {
    const { source, node, id, counted } = shipment;
    const { topic, handler, value } = part;
    const valueHash = found?.valueHash ?? hash("sha256", value ?? "", "hex");
    const isFromSocket = found?.isFromSocket ?? sourceKind(source) === "push";
    const record = this.#account.found({ topic, handler, node, id }, valueHash, isFromSocket);
    if (record !== undefined && this.#former.undecided.delete(record.digest)) this.#releaseOpenFrom();
    if (counted !== undefined) counted.records = withRecord(counted.records, index, record);
  }

  /** A handler made no record. */
  failed({ counted }: Shipment, handler: string): void {
    if (counted !== undefined)
      counted.dead = withOneMore(counted.dead, { topic: null, handler, reason: "handler-error" });
  }

  /** The sink refused a record. */
  refused({ counted }: Shipment, index: number, reason: DeadReason): void {
    const record = counted?.records[index];
    if (counted === undefined || record === undefined) return;
    counted.records = withRecord(counted.records, index, undefined);
    this.#account.drop(record);
    counted.dead = withOneMore(counted.dead, { topic: record.entry.topic, handler: record.entry.handler, reason });
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
        else this.#account.drop(record);
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
