import { internedText } from "../kernel/interned-texts.ts";
import { identityHash } from "../kernel/identity-hash.ts";
import { kernelRow } from "../kernel/memory.ts";
import { missing, rowPlace } from "../kernel/row.ts";
import { fillRow } from "../kernel/scan.ts";
import { Document, lastScan, scanDocument, type Member } from "./json.ts";
import { contentDigest } from "./reprint.ts";
import { valueAt } from "./value.ts";

/**
 * The forwarder's own events. analysisd puts the location that the sender names into the alert, and remoted puts the
 * agent in front of the location of whatever an agent sends: an alert with this location and of agent 000 came from a
 * datagram to the manager's own queue (run with the real analysisd 4.14.7). No text in a log gives it.
 */
const own = { location: "dfn", agentId: "000", integration: "dfn" } as const;
const quote = 0x22;
const backslash = 0x5c;
/** The end of `"dfn"`: a search goes by its first byte, and few bytes of an alert are an f. */
const ownMarkBytes = Buffer.from('fn"');

/** Takes texts one after the other. */
export interface TextSink {
  text(text: string): void;
  /** The same for a text that is there as bytes, all of them ASCII. */
  ascii(bytes: Uint8Array, from: number, to: number): void;
}

/** A number in it is not exact; see `hasInexactNumber`. */
const inexactTrait = 1;
/** It is written differently from how cJSON would print it. */
const foreignTrait = 2;
/** It may have a `data.integration`. */
const integrationTrait = 4;

/** The scan of the alert that the row in the kernel's memory is of; `noScan` while it is not a whole one. */
let rowOwner = 0;
/** Scans are counted from 1. */
const noScan = 0;

/**
 * One alert as Wazuh 4 writes it (Wazuh 4.14 source: src/analysisd/format/to_json.c). The bytes are validated once;
 * every field is found when it is asked for. Nothing here throws because a field is missing or of another type.
 */
export class Alert {
  #bytes: Buffer;
  /** Made when a member is asked for that is not in the row. */
  #document: Document | undefined;
  /** The scan that the document, when it is made, may still find in place. */
  readonly #scan: number;
  /** A sum of traits. */
  readonly #traits: number;
  // Asked again when the alert has its outcome: found now, because by then it would take another scan. No more is kept
  // than where each begins, because thousands of alerts wait for their outcome.
  readonly #idAt: number;
  readonly #timestampAt: number;
  readonly #agentIdAt: number;
  readonly #agentNameAt: number;
  readonly #agentIpAt: number;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#document = undefined;
    rowOwner = noScan;
    this.#scan = scanDocument(bytes);
    let traits = lastScan.hasInexactNumber ? inexactTrait : 0;
    if (lastScan.hasForeignForm) traits |= foreignTrait;
    if (lastScan.isKernels && fillRow(lastScan.tapeLength)) {
      rowOwner = this.#scan;
      if (kernelRow[rowPlace.integration] !== missing) traits |= integrationTrait;
      this.#traits = traits;
      this.#idAt = kernelRow[rowPlace.id]!;
      this.#timestampAt = kernelRow[rowPlace.timestamp]!;
      this.#agentIdAt = kernelRow[rowPlace.agentId]!;
      this.#agentNameAt = kernelRow[rowPlace.agentName]!;
      this.#agentIpAt = kernelRow[rowPlace.agentIp]!;
      return;
    }
    this.#traits = traits | integrationTrait;
    this.#idAt = this.#nameAt("id");
    this.#timestampAt = this.#nameAt("timestamp");
    this.#agentIdAt = this.#nameAt("agent", "id");
    this.#agentNameAt = this.#nameAt("agent", "name");
    this.#agentIpAt = this.#nameAt("agent", "ip");
  }

  /** @throws NotJson when the bytes are not one JSON object */
  static parse(bytes: Buffer): Alert {
    return new Alert(bytes);
  }

  /** The line as it came, without its newline. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Copies the bytes: those that it was parsed from may change from now on. */
  keep(): void {
    this.#bytes = Buffer.from(this.#bytes);
    this.#document = undefined;
  }

  /** `<seconds>.<offset>`; unique on one node only, and not always there. */
  get id(): string | undefined {
    return this.#text(this.#idAt);
  }

  /**
   * The node that wrote the alert: `cluster.node`, without a cluster `manager.name`, else empty.
   * @param hidden the node's name if the cluster keeps it out of its alerts
   */
  nodeOr(hidden: string | undefined): string {
    return this.#name(this.#placeOf(rowPlace.node, "cluster", "node")) ?? hidden ?? this.managerName ?? "";
  }

  get managerName(): string | undefined {
    return this.#name(this.#placeOf(rowPlace.managerName, "manager", "name"));
  }

  get agentId(): string | undefined {
    return this.#name(this.#agentIdAt);
  }

  get agentName(): string | undefined {
    return this.#name(this.#agentNameAt);
  }

  get agentIp(): string | undefined {
    return this.#name(this.#agentIpAt);
  }

  /** When the manager decoded the event: `YYYY-MM-DDTHH:MM:SS.mmm+HHMM`. */
  get timestamp(): string | undefined {
    return this.#text(this.#timestampAt);
  }

  get location(): string | undefined {
    return this.#text(this.#placeOf(rowPlace.location, "location"));
  }

  get ruleId(): string | undefined {
    return this.#name(this.#placeOf(rowPlace.ruleId, "rule", "id"));
  }

  /** `rule.level`, 0 to 16 in practice; undefined if it is missing or not a number. */
  get ruleLevel(): number | undefined {
    const at = this.#placeOf(rowPlace.ruleLevel, "rule", "level");
    return at < 0 || this.bytes[at] === quote ? undefined : Number(valueAt(this.bytes, at).text);
  }

  /** The strings of `rule.groups`, in their order. A line can hold millions of them: `hasGroup` keeps none. */
  *groups(): Generator<string> {
    for (const element of this.member("rule", "groups")?.elements() ?? []) {
      if (element.kind === "string") yield element.text;
    }
  }

  /** Whether a string of `rule.groups` is one of the wanted ones. */
  hasGroup(isWanted: (group: string) => boolean): boolean {
    for (const group of this.groups()) if (isWanted(group)) return true;
    return false;
  }

  /**
   * Raised by the forwarder's own feedback: forwarding it would go round for ever. Known by where the event came from,
   * never only by what it says: a log's author chooses its content.
   */
  get isOwn(): boolean {
    // Nearly every alert is settled here: cJSON, which writes alerts.json, never escapes a letter.
    if ((this.#traits & integrationTrait) === 0) return false;
    if (!this.bytes.includes(ownMarkBytes)) return false;
    const integration = this.member("data", "integration");
    return (
      integration?.kind === "string" &&
      integration.text === own.integration &&
      this.location === own.location &&
      this.agentId === own.agentId
    );
  }

  /**
   * Some number is in exponent form, or has more digits than a double keeps. integratord prints integers beyond 2^53
   * in exponent form, so a copy from the socket that shows one has lost digits.
   */
  get hasInexactNumber(): boolean {
    return (this.#traits & inexactTrait) !== 0;
  }

  /** Hands out timestamp, `agent.id` and `rule.id`, mostly without making a text of them; `""` for one that is missing. */
  describeTo(sink: TextSink): void {
    this.#textTo(sink, this.#timestampAt);
    this.#textTo(sink, this.#agentIdAt);
    this.#textTo(sink, this.#nameAt("rule", "id"));
  }

  /** See `contentDigest`. */
  contentDigest(): string {
    return contentDigest(this.bytes, (this.#traits & foreignTrait) === 0);
  }

  /**
   * What pairing knows it by, found without making a text of each part; see `fingerprintOf`.
   * @param node    the node that wrote it
   * @param content what else distinguishes it; may be empty
   * @returns undefined if its parts have to be asked for one by one
   */
  identityHash(node: string, content: string): { readonly high: number; readonly low: number } | undefined {
    return rowOwner === this.#scan ? identityHash(this.bytes, node, content) : undefined;
  }

  /** The member at a path of keys, the last one where a key repeats; undefined if the path ends early. */
  member(...path: readonly [string, ...string[]]): Member | undefined {
    return (this.#document ??= new Document(this.bytes, this.#scan)).member(path);
  }

  /** Where a value begins that names something, a string or a number; -1 if there is none. */
  #nameAt(...path: readonly [string, ...string[]]): number {
    const member = this.member(...path);
    return member?.kind === "string" || member?.kind === "number" ? member.start : -1;
  }

  #textTo(sink: TextSink, at: number): void {
    const { bytes } = this;
    if (at >= 0 && bytes[at] === quote) {
      let end = at + 1;
      while (bytes[end] !== quote && bytes[end] !== backslash && bytes[end]! < 0x80) end++;
      if (bytes[end] === quote) return sink.ascii(bytes, at + 1, end);
    }
    sink.text(this.#text(at) ?? "");
  }

  /** The same, from the row if it is still the one of this alert. */
  #placeOf(place: number, ...path: readonly [string, ...string[]]): number {
    return rowOwner === this.#scan ? kernelRow[place]! : this.#nameAt(...path);
  }

  #text(at: number): string | undefined {
    const end = at < 0 ? -1 : endOfAscii(this.bytes, at);
    const text = at < 0 ? "" : end < 0 ? valueAt(this.bytes, at).text : this.bytes.toString("latin1", at + 1, end);
    return text === "" ? undefined : text;
  }

  /** The same for a text that many alerts have. */
  #name(at: number): string | undefined {
    const end = at < 0 ? -1 : endOfAscii(this.bytes, at);
    if (end < 0) return this.#text(at);
    return end === at + 1 ? undefined : internedText(this.bytes, at + 1, end);
  }
}

/** 1 for each byte that is a character of its own in a string. */
const ascii = new Uint8Array(256).fill(1, 0x20, 0x80);
ascii[quote] = ascii[backslash] = 0;

/** Where the string that begins at `start` has its closing quote; negative if it has to be decoded or is not a string. */
function endOfAscii(bytes: Buffer, start: number): number {
  if (bytes[start] !== quote) return -1;
  let end = start + 1;
  while (ascii[bytes[end]!] === 1) end++;
  return bytes[end] === quote ? end : -1;
}
