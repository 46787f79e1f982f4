import { Document, type Member } from "./json.ts";
import { contentDigest } from "./reprint.ts";
import { valueAt } from "./value.ts";

/**
 * The forwarder's own events. analysisd puts the location that the sender names into the alert, and remoted puts the
 * agent in front of the location of whatever an agent sends: an alert with this location and of agent 000 came from a
 * datagram to the manager's own queue (run with the real analysisd 4.14.7). No text in a log gives it.
 */
const own = { location: "dfn", agentId: "000", integration: "dfn" } as const;
/** The end of `"dfn"`: a search goes by its first byte, and few bytes of an alert are an f. */
const ownMarkBytes = Buffer.from('fn"');

const quote = 0x22;
const backslash = 0x5c;

/** Takes texts one after the other. */
export interface TextSink {
  text(text: string): void;
  /** The same for a text that is there as bytes, all of them ASCII. */
  ascii(bytes: Uint8Array, from: number, to: number): void;
}

/**
 * One alert as Wazuh 4 writes it (Wazuh 4.14 source: src/analysisd/format/to_json.c). The bytes are validated once;
 * every field is found when it is asked for. Nothing here throws because a field is missing or of another type.
 */
export class Alert {
  /** The line as it came, without its newline. */
  readonly bytes: Buffer;
  readonly #document: Document;
  // Asked again when the alert has its outcome: found now, because by then it would take another scan. No more is kept
  // than where each begins, because thousands of alerts wait for their outcome.
  readonly #idAt: number;
  readonly #timestampAt: number;
  readonly #agentIdAt: number;
  readonly #agentNameAt: number;
  readonly #agentIpAt: number;

  private constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.#document = new Document(bytes);
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

  /** `<seconds>.<offset>`; unique on one node only, and not always there. */
  get id(): string | undefined {
    return this.#text(this.#idAt);
  }

  /**
   * The node that wrote the alert: `cluster.node`, without a cluster `manager.name`, else empty.
   * @param hidden the node's name if the cluster keeps it out of its alerts
   */
  nodeOr(hidden: string | undefined): string {
    return this.#text(this.#nameAt("cluster", "node")) ?? hidden ?? this.managerName ?? "";
  }

  get managerName(): string | undefined {
    return this.#text(this.#nameAt("manager", "name"));
  }

  get agentId(): string | undefined {
    return this.#text(this.#agentIdAt);
  }

  get agentName(): string | undefined {
    return this.#text(this.#agentNameAt);
  }

  get agentIp(): string | undefined {
    return this.#text(this.#agentIpAt);
  }

  /** When the manager decoded the event: `YYYY-MM-DDTHH:MM:SS.mmm+HHMM`. */
  get timestamp(): string | undefined {
    return this.#text(this.#timestampAt);
  }

  get location(): string | undefined {
    return this.#text(this.#nameAt("location"));
  }

  get ruleId(): string | undefined {
    return this.#text(this.#nameAt("rule", "id"));
  }

  /** `rule.level`, 0 to 16 in practice; undefined if it is missing or not a number. */
  get ruleLevel(): number | undefined {
    const level = this.member("rule", "level");
    return level?.kind === "number" ? Number(level.text) : undefined;
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
    return this.#document.hasInexactNumber;
  }

  /** Hands out timestamp, `agent.id` and `rule.id`, mostly without making a text of them; `""` for one that is missing. */
  describeTo(sink: TextSink): void {
    this.#textTo(sink, this.#timestampAt);
    this.#textTo(sink, this.#agentIdAt);
    this.#textTo(sink, this.#nameAt("rule", "id"));
  }

  /** See `contentDigest`. */
  contentDigest(): string {
    return contentDigest(this.bytes, !this.#document.hasForeignForm);
  }

  /** The member at a path of keys, the last one where a key repeats; undefined if the path ends early. */
  member(...path: readonly [string, ...string[]]): Member | undefined {
    return this.#document.member(path);
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

  #text(at: number): string | undefined {
    const text = at < 0 ? "" : valueAt(this.bytes, at).text;
    return text === "" ? undefined : text;
  }
}
