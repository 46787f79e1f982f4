/** What a configuration makes of lines, counted and compared. Pure: nothing is sent, nothing is stored. */
import { hash } from "node:crypto";
import { Alert } from "../alert/alert.ts";
import type { Config } from "../config/schema.ts";
import { Judge } from "../delivery/judge.ts";
import { idOf } from "../delivery/shipment.ts";
import type { ExplainedHandler } from "../handlers/conditions.ts";
import { createHandlers } from "../handlers/registry.ts";
import { readNodeIdentity } from "../wazuh/node.ts";
import { accountedRecord, type AccountedRecord, type AccountVerdict } from "./alert-account.ts";

/** A record that would be sent. */
export interface TrialRecord extends Omit<AccountedRecord, "warning"> {
  readonly handler: string;
  readonly id: string;
  readonly node: string;
  /** What the file sink would have as its value: `digest` is of that. */
  readonly value: Buffer;
}

/** A dead letter that would be stored. */
interface TrialLetter {
  /** The handler that failed; undefined for what is not an alert. */
  readonly handler: string | undefined;
  readonly reason: string;
}

/** One alert in a line, or a piece of it that is not one. */
export interface TrialOutcome {
  readonly verdict: AccountVerdict;
  /** Where it begins in the line. */
  readonly start: number;
  /** Undefined if the line was passed by, or is not an alert. */
  readonly alert: Alert | undefined;
  readonly records: readonly TrialRecord[];
  readonly letters: readonly TrialLetter[];
  /** Handlers that the alert was probably meant for, and why they do not want it. */
  readonly leftOut: readonly (readonly [handler: string, reason: string])[];
}

/** The handlers of a configuration. */
export class Trial {
  readonly judge: Judge;
  readonly handlers: readonly ExplainedHandler[];
  readonly #fallbackNode: string | undefined;
  readonly #maxLineBytes: number;

  /** @throws DfnError CONFIG as `createHandlers` */
  constructor(config: Config, maxLineBytes: number) {
    this.handlers = createHandlers(config.dfn, config.handlers);
    this.judge = new Judge(this.handlers);
    this.#fallbackNode = readNodeIdentity(config.wazuh.home).fallbackName;
    this.#maxLineBytes = maxLineBytes;
  }

  /** @param line without its newline @param length of the whole line, of which `line` may be the beginning */
  of(line: Buffer, length = line.length): readonly TrialOutcome[] {
    if (length > this.#maxLineBytes) return [letterOutcome("over-long")];
    return this.judge.line(line).map((judged) => {
      const { start } = judged;
      if (judged.kind === "passed-by") return { ...nothing, start, verdict: judged.kind };
      if (judged.kind === "broken") return { ...letterOutcome(judged.reason), start };
      const { kind, alert } = judged;
      if (kind !== "wanted") {
        const leftOut = kind === "own" ? [] : this.handlers.flatMap((one) => leftOutBy(one, alert));
        return { ...nothing, start, verdict: kind, alert, leftOut };
      }
      const records: TrialRecord[] = [];
      const letters: TrialLetter[] = [];
      for (const part of judged.parts) {
        if ("failure" in part) {
          letters.push({ handler: part.handler, reason: `handler-error: ${part.failure}` });
          continue;
        }
        const { warning: _warning, ...record } = accountedRecord(part, alert);
        const name = { handler: part.handler, id: idOf(alert), node: this.nodeOf(alert) };
        records.push({ ...record, ...name, value: part.value ?? Buffer.alloc(0) });
      }
      return { ...nothing, start, verdict: kind, alert, records, letters };
    });
  }

  /** The node that its records name. */
  nodeOf(alert: Alert): string {
    return alert.nodeOr(this.#fallbackNode);
  }

  /** Why a handler makes nothing of an alert. */
  refusal(handler: string, alert: Alert | undefined): string {
    const found = this.handlers.find(({ name }) => name === handler);
    if (found === undefined) return `${handler} is off`;
    if (alert === undefined) return "the line holds none of the needles";
    if (alert.isOwn) return "it is one of the forwarder's own events";
    const failed = found.explain(alert).find(({ holds }) => !holds);
    if (failed === undefined) return "the line holds none of the needles";
    return `does not hold: ${failed.field} ${failed.must}: ${failed.value ?? "missing"}`;
  }
}

const nothing = { start: 0, verdict: "passed-by", alert: undefined, records: [], letters: [], leftOut: [] } as const;

function letterOutcome(reason: string): TrialOutcome {
  return { ...nothing, verdict: "broken", letters: [{ handler: undefined, reason }] };
}

function leftOutBy(handler: ExplainedHandler, alert: Alert): [handler: string, reason: string][] {
  const reason = handler.leftOut?.(alert);
  return reason === undefined ? [] : [[handler.name, reason]];
}

/** What one handler would have made. */
interface HandlerTotal {
  records: number;
  /** Of the values. */
  bytes: number;
  failures: number;
  readonly topics: readonly string[];
  readonly leftOut: Record<string, number>;
}

/** Counts outcomes. */
export class TrialTotals {
  lines = 0;
  /** Of alerts, and of pieces that are not alerts. */
  readonly verdicts: Record<AccountVerdict, number> = { "passed-by": 0, own: 0, unwanted: 0, wanted: 0, broken: 0 };
  readonly handlers: Record<string, HandlerTotal> = {};

  constructor(handlers: readonly ExplainedHandler[]) {
    for (const { name, topics } of handlers) {
      this.handlers[name] = { records: 0, bytes: 0, failures: 0, topics, leftOut: {} };
    }
  }

  /** Lines without a needle. */
  passedBy(lines: number): void {
    this.lines += lines;
    this.verdicts["passed-by"] += lines;
  }

  add(outcomes: readonly TrialOutcome[]): void {
    this.lines += 1;
    for (const { verdict, records, letters, leftOut } of outcomes) {
      this.verdicts[verdict] += 1;
      for (const { handler, bytes } of records) {
        const total = this.handlers[handler];
        if (total === undefined) continue;
        total.records += 1;
        total.bytes += bytes;
      }
      for (const { handler } of letters) {
        const total = this.handlers[handler ?? ""];
        if (total !== undefined) total.failures += 1;
      }
      for (const [handler, reason] of leftOut) {
        const total = this.handlers[handler];
        if (total !== undefined) total.leftOut[reason] = (total.leftOut[reason] ?? 0) + 1;
      }
    }
  }
}

/** How two configurations differ for one alert. */
export interface TrialChange {
  readonly id: string | undefined;
  readonly node: string | undefined;
  readonly handler: string | undefined;
  /** Undefined: it makes no record with the old configuration, or with the new one. */
  readonly old: TrialRecord | undefined;
  readonly new: TrialRecord | undefined;
  /** In words. */
  readonly what: string;
}

/** All changes of one line. */
export function changesOf(
  line: Buffer,
  old: Trial,
  oldOnes: readonly TrialOutcome[],
  now: Trial,
  newOnes: readonly TrialOutcome[],
): TrialChange[] {
  const changes: TrialChange[] = [];
  const [before, after] = [oldOnes.flatMap(({ records }) => records), newOnes.flatMap(({ records }) => records)];
  const left = [...after];
  for (const record of before) {
    const { id, node, handler } = record;
    const at = left.findIndex((one) => one.handler === handler && one.id === id);
    const [other] = at < 0 ? [] : left.splice(at, 1);
    if (other === undefined) {
      const why = now.refusal(handler, alertOf(newOnes, id, line));
      changes.push({
        id,
        node,
        handler,
        old: record,
        new: undefined,
        what: `no longer sent to ${record.topic}; now: ${why}`,
      });
    } else {
      const what = differenceOf(record, other);
      if (what !== "") changes.push({ id, node, handler, old: record, new: other, what });
    }
  }
  for (const record of left) {
    const { id, node, handler } = record;
    const why = old.refusal(handler, alertOf(oldOnes, id, line));
    changes.push({
      id,
      node,
      handler,
      old: undefined,
      new: record,
      what: `newly sent to ${record.topic}; before: ${why}`,
    });
  }
  const letters = (outcomes: readonly TrialOutcome[]): string[] =>
    outcomes.flatMap((one) => one.letters.map(({ handler, reason }) => `${handler ?? "line"}: ${reason}`));
  const [oldLetters, newLetters] = [letters(oldOnes), letters(newOnes)];
  const name = { id: undefined, node: undefined, handler: undefined, old: undefined, new: undefined };
  for (const one of newLetters)
    if (!oldLetters.includes(one)) changes.push({ ...name, what: `becomes a dead letter: ${one}` });
  for (const one of oldLetters)
    if (!newLetters.includes(one)) changes.push({ ...name, what: `is no longer a dead letter: ${one}` });
  return changes;
}

/** The alert with this id, also if the line was passed by. */
function alertOf(outcomes: readonly TrialOutcome[], id: string, line: Buffer): Alert | undefined {
  const found = outcomes.find(({ alert }) => alert !== undefined && idOf(alert) === id)?.alert;
  if (found !== undefined) return found;
  try {
    return Alert.parse(line);
  } catch {
    return undefined; // A broken line, in which no needle was found.
  }
}

function differenceOf(old: TrialRecord, now: TrialRecord): string {
  const differences: string[] = [];
  if (old.topic !== now.topic) differences.push(`topic ${old.topic} becomes ${now.topic}`);
  if (old.key !== now.key) differences.push(`key ${old.key} becomes ${now.key}`);
  if (old.node !== now.node) differences.push(`node ${old.node} becomes ${now.node}`);
  if (old.digest !== now.digest) differences.push(`its value changes, from ${old.bytes} to ${now.bytes} bytes`);
  return differences.join(", ");
}

/** What two records have in common that count as equal: topic, key, handler, id, node and value as the file sink writes it. */
export function recordHash(record: {
  readonly topic: string;
  readonly key: string | null;
  readonly handler: string;
  readonly id: string;
  readonly node: string;
  readonly value: string | null;
}): Buffer {
  const { topic, key, handler, id, node, value } = record;
  return hash("sha256", JSON.stringify([topic, key, handler, id, node, value]), "buffer");
}
