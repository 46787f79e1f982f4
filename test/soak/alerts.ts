import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../scripts/repository.ts";
import { present } from "../rig/present.ts";
import { seededRandom } from "../rig/random.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** What an alert is like, apart from being relevant or not. */
export type Kind =
  | "plain"
  /** Carries bytes and numbers that a parser alters. */
  | "odd"
  /** Longer than integratord passes on, of bytes that compress well. */
  | { readonly longBytes: number }
  /** Of bytes that do not compress. */
  | { readonly denseBytes: number };

/** An alert with placeholders for what differs, and the record value that it must become. */
export interface Template {
  readonly text: string;
  /** Undefined: of no interest. */
  readonly value: JsonObject | undefined;
  /** Key of the record. */
  readonly key: string;
  /** Whether the alert's `data` is part of the value, so that its bytes must arrive unchanged. */
  readonly carriesData: boolean;
}

/** One alert as it is written to the log. */
export interface SoakAlert {
  /** Counts all alerts of a run from 0; it can be read from the timestamp. */
  readonly sequence: number;
  readonly id: string;
  readonly template: number;
  /** Key of its record: the agent's id. */
  readonly key: string;
  /** With the newline. */
  readonly line: Buffer;
  /** Bytes that must be in the value, as the member `soak` of `data`; undefined for a plain one. */
  readonly inset: Buffer | undefined;
}

/** The node of a cluster that writes alerts. */
export interface Site {
  /** As the alert names it; undefined: the cluster is hidden. */
  readonly node: string | undefined;
  /** The agent that the next alert comes from. */
  agent(): string;
}

const agentPlace = "@AGENT@";

const places = { timestamp: "@TIMESTAMP@", id: "@ID@", inset: '"@INSET@"' };
/** A number beyond 2^53, invalid UTF-8, U+2028, half a surrogate pair, a name that JavaScript objects have. */
const oddities = '{"n":9007199254740993,"x":1.0e+2,"s":"\xff\xfe\xc3(\xe2\x80\xa8 \\ud800 \\/","__proto__":{"a":[]}}';

/** The first alert of a run has this time; each next one is a millisecond later. 21 November 2026, 12:00 UTC. */
export const firstMs = 1_795_262_400_000;

export const templates: readonly Template[] = readTemplates((alert) => alert);
const relevant = templates.flatMap(({ value }, index) => (value === undefined ? [] : [index]));
const ignored = templates.flatMap(({ value }, index) => (value === undefined ? [index] : []));
/** Numbers of the templates whose alerts go to Kafka. */
export const relevantTemplates: ReadonlySet<number> = new Set(relevant);
const carrying = relevant.filter((index) => templates[index]?.carriesData === true);

/** Makes alerts from the wire format's cases, each with a timestamp and an id of its own. */
export class SoakAlertMaker {
  readonly #random: () => number;
  readonly #relevantShare: number;
  readonly #site: Site | undefined;
  readonly #templates: readonly Template[];
  #sequence = 0;
  #logOffset = 0;

  /** @param site without it the alerts name nodes and agents as the wire format's cases do */
  constructor(seed: number, relevantShare: number, site?: Site) {
    this.#random = seededRandom(seed);
    this.#relevantShare = relevantShare;
    this.#site = site;
    this.#templates = site === undefined ? templates : readTemplates((alert) => ofSite(alert, site));
  }

  /** @param isRelevant default: at random, by the share of relevant ones; a kind other than plain is relevant */
  make(isRelevant = this.#random() < this.#relevantShare, kind: Kind = "plain"): SoakAlert {
    const choices = kind === "plain" ? (isRelevant ? relevant : ignored) : carrying;
    const index = present(choices[Math.floor(this.#random() * choices.length)]);
    const sequence = this.#sequence++;
    // If several nodes write, all of them use the same ids.
    const offset = this.#site === undefined ? this.#logOffset : (sequence % 1000) * 1000;
    const id = `${Math.floor((firstMs + sequence) / 1000)}.${offset}`;
    const inset = insetOf(kind);
    const template = present(this.#templates[index]);
    const key = this.#site?.agent() ?? template.key;
    const text = template.text
      .replace(places.timestamp, timestampOf(sequence))
      .replace(agentPlace, key)
      .replace(places.id, id)
      .replace(places.inset, () => inset?.toString("latin1") ?? "null");
    const line = Buffer.from(`${text}\n`, "latin1");
    this.#logOffset += line.length;
    return { sequence, id, template: index, key, line, inset };
  }

  /**
   * The second part of an id is the offset in alerts.log, which restarts with each day; no second belongs to two days.
   */
  startNewLog(): void {
    this.#logOffset = 0;
    this.#sequence = Math.ceil(this.#sequence / 1000) * 1000;
  }
}

/** All timestamps have one form, from which the sequence can be read again. */
export function timestampOf(sequence: number): string {
  return new Date(firstMs + sequence).toISOString().replace("Z", "+0000");
}

/** Undefined for what is not a timestamp of a run. */
export function sequenceOf(timestamp: unknown): number | undefined {
  if (typeof timestamp !== "string") return undefined;
  const sequence = Date.parse(timestamp.replace("+0000", "Z")) - firstMs;
  return Number.isSafeInteger(sequence) && sequence >= 0 ? sequence : undefined;
}

function insetOf(kind: Kind): Buffer | undefined {
  if (kind === "plain") return undefined;
  if (kind === "odd") return Buffer.from(oddities, "latin1");
  if ("longBytes" in kind) return Buffer.from(`"${"long ".repeat(Math.ceil(kind.longBytes / 5))}"`);
  return Buffer.from(`"${randomBytes(Math.ceil((kind.denseBytes * 3) / 4)).toString("base64")}"`);
}

/** All nodes have the same host name; the agent's name is part of some records' values and stays. */
function ofSite({ cluster: _cluster, ...alert }: JsonObject, { node }: Site): JsonObject {
  const agent = { ...Object(alert["agent"]), id: agentPlace };
  const cluster = node === undefined ? {} : { cluster: { name: "wazuh", node } };
  return { ...alert, agent, manager: { name: "manager" }, ...cluster };
}

/** Templates are kept as latin1 text, one character per byte, so that any byte can be put into them. */
function readTemplates(change: (alert: JsonObject) => JsonObject): Template[] {
  const cases = readFileSync(join(repositoryRoot, "test/data/wire/wire.jsonl"), "utf8").trimEnd().split("\n");
  return cases
    .map((line): { own_network: string | null; alert: JsonObject; expected: readonly JsonObject[] } => JSON.parse(line))
    .filter(({ own_network: ownNetwork }) => ownNetwork === null)
    .map(({ alert: wire, expected }) => {
      const alert = change(wire);
      const agent = { id: "000", name: "manager", ...Object(alert["agent"]) };
      const { timestamp: _timestamp, data, ...rest } = alert;
      const value = expected[0];
      const carriesData = value?.["data"] !== undefined;
      const own = { ...rest, agent, id: places.id, data: { ...Object(data), ...(carriesData && { soak: "@INSET@" }) } };
      const text = JSON.stringify({ timestamp: places.timestamp, ...own });
      return { text: Buffer.from(text).toString("latin1"), value, key: agent.id, carriesData };
    });
}
