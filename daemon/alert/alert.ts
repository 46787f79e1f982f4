import { Document, type Member } from "./json.ts";

/** What the feedback's own alerts are known by: its integration name, which is also a group of its rules. */
const ownMark = "dfn";
/** The end of `"dfn"`: a search goes by its first byte, and few bytes of an alert are an f. */
const ownMarkBytes = Buffer.from('fn"');

const topKeys = ["timestamp", "agent", "id"];
const agentKeys = ["id", "name", "ip"];

/**
 * One alert as Wazuh 4 writes it (Wazuh 4.14 source: src/analysisd/format/to_json.c). The bytes are validated once;
 * every field is found when it is asked for. Nothing here throws because a field is missing or of another type.
 */
export class Alert {
  /** The line as it came, without its newline. */
  readonly bytes: Buffer;
  readonly #document: Document;
  // Asked again when the alert has its outcome: found now, because by then it would take another scan.
  readonly #id: Member | undefined;
  readonly #timestamp: Member | undefined;
  readonly #agentId: Member | undefined;
  readonly #agentName: Member | undefined;
  readonly #agentIp: Member | undefined;

  private constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.#document = new Document(bytes);
    const [timestamp, agent, id] = this.#document.members.named(topKeys);
    const [agentId, agentName, agentIp] = agent?.members().named(agentKeys) ?? [];
    this.#id = id;
    this.#timestamp = timestamp;
    this.#agentId = agentId;
    this.#agentName = agentName;
    this.#agentIp = agentIp;
  }

  /** @throws NotJson when the bytes are not one JSON object */
  static parse(bytes: Buffer): Alert {
    return new Alert(bytes);
  }

  /** `<seconds>.<offset>`; unique on one node only, and not always there. */
  get id(): string | undefined {
    return name(this.#id);
  }

  /**
   * The node that wrote the alert: `cluster.node`, without a cluster `manager.name`, else empty.
   * @param hidden the node's name where the cluster keeps it out of its alerts
   */
  nodeOr(hidden: string | undefined): string {
    return this.#name("cluster", "node") ?? hidden ?? this.managerName ?? "";
  }

  get managerName(): string | undefined {
    return this.#name("manager", "name");
  }

  get agentId(): string | undefined {
    return name(this.#agentId);
  }

  get agentName(): string | undefined {
    return name(this.#agentName);
  }

  get agentIp(): string | undefined {
    return name(this.#agentIp);
  }

  /** When the manager decoded the event: `YYYY-MM-DDTHH:MM:SS.mmm+HHMM`. */
  get timestamp(): string | undefined {
    return name(this.#timestamp);
  }

  get location(): string | undefined {
    return name(this.#document.members.get("location"));
  }

  get ruleId(): string | undefined {
    return this.#name("rule", "id");
  }

  /** `rule.level`, 0 to 16 in practice; undefined when it is missing or no number. */
  get ruleLevel(): number | undefined {
    const level = this.member("rule", "level");
    return level?.kind === "number" ? Number(level.text) : undefined;
  }

  /** The strings of `rule.groups`, in their order. */
  get groups(): readonly string[] {
    const elements = this.member("rule", "groups")?.elements() ?? [];
    return elements.filter((element) => element.kind === "string").map((element) => element.text);
  }

  /** Raised by the forwarder's own feedback: forwarding it would go round for ever. */
  get isOwn(): boolean {
    // Nearly every alert is settled here: cJSON, which writes alerts.json, never escapes a letter.
    if (!this.bytes.includes(ownMarkBytes)) return false;
    const integration = this.member("data", "integration");
    return (integration?.kind === "string" && integration.text === ownMark) || this.groups.includes(ownMark);
  }

  /**
   * Some number is written in exponent form. integratord prints integers beyond 2^53 that way, so a copy from the
   * socket that shows one may have lost digits.
   */
  get hasExponent(): boolean {
    return this.#document.hasExponent;
  }

  /** The member at a path of keys, the last one where a key repeats; undefined where the path ends early. */
  member(...path: readonly [string, ...string[]]): Member | undefined {
    let member = this.#document.members.get(path[0]);
    for (let i = 1; i < path.length && member !== undefined; i++) member = member.members().get(path[i]!);
    return member;
  }

  #name(...path: readonly [string, string]): string | undefined {
    return name(this.member(...path));
  }
}

/** The text of a member that names something: a string or a number, not empty. */
function name(member: Member | undefined): string | undefined {
  if (member === undefined || (member.kind !== "string" && member.kind !== "number")) return undefined;
  const text = member.text;
  return text === "" ? undefined : text;
}
