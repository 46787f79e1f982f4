/** What a forwarder with given settings makes of one alert, step by step. Pure. */
import { hash } from "node:crypto";
import { Alert } from "../alert/alert.ts";
import type { Needle } from "../contract.ts";
import { alertOrFault, Judge } from "../delivery/judge.ts";
import { recordKey } from "../delivery/outbox-record.ts";
import { Relevance } from "../delivery/relevance.ts";
import { idOf, type Part } from "../delivery/shipment.ts";
import { type ConditionResult, type ExplainedHandler, isOneOf, shownValue } from "../handlers/conditions.ts";
import type { FoundLine } from "./log-search.ts";

/** A record that a handler makes. */
export interface AccountedRecord {
  readonly topic: string;
  readonly key: string;
  /** Of the value, in bytes. */
  readonly bytes: number;
  /** SHA-256 of the value, in hex. */
  readonly digest: string;
  readonly warning: string | undefined;
}

/** What one handler makes of the alert. */
export interface HandlerAccount {
  readonly handler: string;
  /** What the raw bytes are searched for, in words, and whether that is there. */
  readonly needle: string;
  readonly isNeedleFound: boolean;
  readonly conditions: readonly ConditionResult[];
  /** Undefined if it makes none. */
  readonly record: AccountedRecord | undefined;
  /** Why it failed, so that the alert becomes a dead letter. */
  readonly failure: string | undefined;
  /** Why an alert that it does not want was probably meant for it. */
  readonly leftOut: string | undefined;
}

/** What the settings made of an alert with which its line was read. */
export interface FormerAccount {
  /** When they began, ISO 8601. */
  readonly since: string;
  readonly handlers: readonly HandlerAccount[];
}

/** What decides whether an alert is the forwarder's own event. */
export interface OwnEventAccount {
  readonly isOwn: boolean;
  readonly fields: readonly Pick<ConditionResult, "field" | "value">[];
}

/** See `Judge`. */
export type AccountVerdict = "passed-by" | "own" | "unwanted" | "wanted" | "broken";

/** One alert, or one line that should be one. */
export interface AlertAccount {
  readonly line: Omit<FoundLine, "bytes">;
  readonly id: string | undefined;
  readonly node: string | undefined;
  /** Its timestamp, as it was written. */
  readonly timestamp: string | undefined;
  readonly agent: string | undefined;
  readonly rule: string | undefined;
  readonly key: string;
  readonly verdict: AccountVerdict;
  /** Why it is not an alert. */
  readonly fault: string | undefined;
  readonly own: OwnEventAccount | undefined;
  /** In the order in which they are asked. */
  readonly handlers: readonly HandlerAccount[];
  /** Undefined if it is not known, or made the same records. */
  readonly former: FormerAccount | undefined;
}

/** Settings with which a line was read. */
export interface KeptHandlers {
  /** When they began, ISO 8601. */
  readonly since: string;
  readonly handlers: readonly ExplainedHandler[];
}

const ownFields = [["data", "integration"], ["location"], ["agent", "id"]] as const;

interface AccountantParts {
  readonly handlers: readonly ExplainedHandler[];
  /** See `NodeIdentity`. */
  readonly fallbackNode: string | undefined;
  readonly maxLineBytes: number;
  /** The settings with which the line at a place was read; undefined if they were not kept. */
  readonly keptAt?: (file: string, offset: number) => KeptHandlers | undefined;
}

/** Gives accounts of lines. */
export class Accountant {
  readonly #parts: AccountantParts;
  readonly #handlers: readonly ExplainedHandler[];
  readonly #judge: Judge;
  /** By the handlers of other settings. */
  readonly #former = new Map<readonly ExplainedHandler[], Accountant>();

  constructor(parts: AccountantParts) {
    this.#parts = parts;
    this.#handlers = parts.handlers;
    this.#judge = new Judge(parts.handlers);
  }

  /** Of a line or a piece of one; nothing of its bytes is kept. */
  of(found: FoundLine): AlertAccount {
    const account = this.#today(found);
    const former = account.verdict === "broken" ? undefined : this.#formerOf(found);
    const isOther = former !== undefined && outcomeOf(former.handlers) !== outcomeOf(account.handlers);
    return isOther ? { ...account, former } : account;
  }

  #formerOf(found: FoundLine): FormerAccount | undefined {
    // Only the manager's log is read with settings that are kept.
    const kept = found.origin && this.#parts.keptAt?.(found.file, found.offset);
    if (kept === undefined) return undefined;
    const { since, handlers } = kept;
    const { fallbackNode, maxLineBytes } = this.#parts;
    const accountant = this.#former.get(handlers) ?? new Accountant({ handlers, fallbackNode, maxLineBytes });
    this.#former.set(handlers, accountant);
    return { since, handlers: accountant.of(found).handlers };
  }

  #today(found: FoundLine): AlertAccount {
    const { fallbackNode, maxLineBytes } = this.#parts;
    const { bytes, ...line } = found;
    if (found.isOverLong) {
      return broken(line, `it has ${line.length} bytes and is longer than max_line, ${maxLineBytes} bytes`);
    }
    const alert = alertOrFault(bytes);
    if (!(alert instanceof Alert)) return broken(line, `not JSON: ${alert.message}`);
    // What is taken out of a broken line is given to the handlers at once.
    const isRelevant = found.isSalvaged || this.#judge.relevance.matches(bytes);
    const judged = this.#judge.alert(alert);
    const parts = judged.kind === "wanted" ? judged.parts : [];
    return {
      line,
      id: idOf(alert),
      node: alert.nodeOr(fallbackNode),
      timestamp: alert.timestamp,
      agent: [alert.agentId, alert.agentName].filter((text) => text !== undefined).join(" ") || undefined,
      rule: alert.ruleId,
      key: recordKey(alert),
      verdict: isRelevant ? judged.kind : "passed-by",
      fault: undefined,
      own: {
        isOwn: alert.isOwn,
        fields: ownFields.map((field) => ({ field: field.join("."), value: shownValue(alert, field) })),
      },
      handlers: this.#handlers.map((handler) =>
        accountOf(handler, alert, isRelevant ? parts.find((part) => part.handler === handler.name) : undefined),
      ),
      former: undefined,
    };
  }
}

/** What is sent or stored, to be compared. */
function outcomeOf(handlers: readonly HandlerAccount[]): string {
  const made = handlers.filter(({ record, failure }) => record !== undefined || failure !== undefined);
  return JSON.stringify(
    made.map(({ handler, record, failure }) => [handler, record?.topic, record?.key, record?.digest, failure]),
  );
}

function broken(line: AlertAccount["line"], fault: string): AlertAccount {
  const none = { id: undefined, node: undefined, timestamp: undefined, agent: undefined, rule: undefined };
  return { line, ...none, key: "", verdict: "broken", fault, own: undefined, handlers: [], former: undefined };
}

function accountOf(handler: ExplainedHandler, alert: Alert, part: Part | undefined): HandlerAccount {
  const { needles } = handler;
  return {
    handler: handler.name,
    needle: needles.map(needleText).join(", or "),
    isNeedleFound: new Relevance(needles).matches(alert.bytes),
    conditions: handler.explain(alert),
    record: part === undefined || "failure" in part ? undefined : accountedRecord(part, alert),
    failure: part !== undefined && "failure" in part ? part.failure : undefined,
    leftOut: part === undefined && !alert.isOwn ? handler.leftOut?.(alert) : undefined,
  };
}

/** A part as it is shown and compared. @param part made of the alert just now, so its value is there */
export function accountedRecord(part: Exclude<Part, { failure: string }>, alert: Alert): AccountedRecord {
  const value = part.value ?? Buffer.alloc(0);
  return {
    topic: part.topic,
    key: recordKey(alert),
    bytes: value.length,
    digest: digestOf(value),
    warning: part.warning,
  };
}

/** SHA-256 in hex; of nothing for null. */
export function digestOf(value: Buffer | null): string {
  return hash("sha256", value ?? Buffer.alloc(0), "hex");
}

function needleText(needle: Needle): string {
  if (needle.kind === "all") return "every line";
  if (needle.kind === "text") return needle.bytes.toString();
  return `"${needle.key}" that ${isOneOf([...needle.values])}`;
}
