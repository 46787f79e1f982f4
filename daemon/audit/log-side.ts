/** What the lines of the log must have brought into the sink. */
import type { Alert } from "../alert/alert.ts";
import { valueDigest } from "../alert/reprint.ts";
import { idOf, secondOf } from "../delivery/shipment.ts";
import type { LineState } from "../explain/log-progress.ts";
import type { Trial, TrialOutcome } from "../explain/trial.ts";
import type { DeadLetterSide } from "./dead-letter-side.ts";
import { entryFlags, entryKinds, identityOf, sendKey, type Entry } from "./entries.ts";
import type { AuditNames } from "./names.ts";
import type { SettingsOfTime } from "../explain/settings-of-time.ts";
import { isInSpan, type TimeSpan } from "./time-span.ts";

/** A line that may be relevant. */
export interface AuditedLine {
  readonly file: string;
  readonly offset: number;
  /** All its bytes, of which `bytes` may be the beginning. */
  readonly length: number;
  readonly bytes: Buffer;
  /** What the forwarder's position says of a place in the file; `timeMs` is the alert's. */
  readonly stateOf: (offset: number, timeMs: number | undefined) => LineState;
}

/** A record that a line must have brought. */
export interface ExpectedRecord {
  readonly handler: string;
  readonly alert: Alert;
  /** Where the alert begins in its line. */
  readonly start: number;
  readonly key: Buffer;
}

/** Makes entries of lines. */
export class LogSide {
  /** Seconds since 1970 of the first and the last alert that was seen; undefined before. */
  firstSecond: number | undefined;
  lastSecond: number | undefined;
  count = 0;
  /** Lines, or pieces of them, that are not alerts, of whatever time. */
  broken = 0;
  readonly #settings: SettingsOfTime;
  readonly #names: AuditNames;
  readonly #span: TimeSpan;

  constructor(settings: SettingsOfTime, names: AuditNames, span: TimeSpan) {
    this.#settings = settings;
    this.#names = names;
    this.#span = span;
  }

  /** Adds an entry for each record of a line whose alert is of the span. */
  take(line: AuditedLine, letters: Pick<DeadLetterSide, "flagsAt">, add: (entry: Entry) => void): void {
    const trial = this.#settings.at(line.file, line.offset);
    for (const outcome of trial.of(line.bytes, line.length)) {
      if (outcome.verdict === "broken") this.broken += 1;
      for (const made of madeOf(trial, outcome)) {
        const { alert } = made;
        const id = idOf(alert);
        const timeMs = Date.parse(alert.timestamp ?? "");
        const second = secondIn(id, timeMs);
        if (!isInSpan(second, this.#span)) continue;
        if (second >= 0) this.firstSecond = Math.min(second, this.firstSecond ?? second);
        if (second >= 0) this.lastSecond = Math.max(second, this.lastSecond ?? second);
        const { handler, node, value, topic } = made;
        const offset = line.offset + outcome.start;
        let flags = letters.flagsAt(handler, line.file, offset);
        if (value === undefined) flags += entryFlags.failed;
        // The position counts lines.
        const state = line.stateOf(line.offset, Number.isNaN(timeMs) ? undefined : timeMs);
        if (state === "ahead") flags += entryFlags.pending;
        if (state === "before-start") flags += entryFlags.early;
        this.count += 1;
        add({
          kind: entryKinds.expected,
          flags,
          identity: identityOf(handler, node, id),
          value: value === undefined ? undefined : Buffer.from(made.digest, "hex"),
          content: value === undefined ? undefined : entryContent(value),
          second,
          place: this.#names.files.number(line.file),
          offset,
          node: this.#names.nodes.number(node),
          handler: this.#names.handlers.number(handler),
          topic: this.#names.topics.number(topic),
        });
      }
    }
  }

  /** The records of a line, and the keys that they are sent by; see `sendKey`. */
  recordsOf(line: Pick<AuditedLine, "file" | "offset" | "bytes" | "length">): readonly ExpectedRecord[] {
    const trial = this.#settings.at(line.file, line.offset);
    return trial.of(line.bytes, line.length).flatMap((outcome) =>
      madeOf(trial, outcome).map(({ handler, node, alert, value }) => {
        const content = value === undefined ? Buffer.alloc(8) : entryContent(value);
        return { handler, alert, start: outcome.start, key: sendKey(identityOf(handler, node, idOf(alert)), content) };
      }),
    );
  }
}

/** A record, or what failed to become one. */
interface Made {
  readonly handler: string;
  readonly node: string;
  readonly alert: Alert;
  readonly topic: string;
  /** Undefined if the handler failed. */
  readonly value: Buffer | undefined;
  readonly digest: string;
}

function madeOf(trial: Trial, { alert, records, letters }: TrialOutcome): readonly Made[] {
  if (alert === undefined) return [];
  const node = trial.nodeOf(alert);
  const failed = letters.flatMap(({ handler }) => (handler === undefined ? [] : [handler]));
  return [
    ...records.map(({ handler, topic, value, digest }) => ({ handler, node, alert, topic, value, digest })),
    ...failed.map((handler) => ({ handler, node, alert, topic: "", value: undefined, digest: "" })),
  ];
}

/** A value's content digest, as entries have it. */
export function entryContent(value: Buffer | null): Buffer {
  return Buffer.from(valueDigest(value), "latin1");
}

/** The second of an alert: that of its id, else of its timestamp; -1 if neither says it. */
function secondIn(id: string, timeMs: number): number {
  const second = secondOf(id);
  return second < 0 && timeMs >= 0 ? Math.floor(timeMs / 1000) : second;
}
