import { Alert } from "../alert/alert.ts";
import { NotJson } from "../alert/json.ts";
import type { Owner, SourceLocation, SourceName } from "../contract.ts";
import type { NewDeadLetter } from "../dead-letters/store.ts";
import type { Delivery, Part } from "./shipment.ts";

/** What becomes of an alert, as the tap names it. */
export const tapVerdicts = ["sent", "ignored", "paired", "dead"] as const;
export type TapVerdict = (typeof tapVerdicts)[number];

/** Which alerts a listener wants; a member that is absent leaves all in. */
export interface TapFilter {
  readonly verdict?: TapVerdict | undefined;
  readonly source?: string | undefined;
  /** The handler that made a record of it, or whose record was refused: with it, nothing is ignored or paired. */
  readonly handler?: string | undefined;
  /** All must hold. A value is that of a string, a number or a word such as true, or of an element of a list. */
  readonly fields: readonly { readonly path: readonly [string, ...string[]]; readonly value: string }[];
}

/** An alert that came by, and what became of it. Texts are those of the alert, up to 256 characters each. */
export interface TappedAlert {
  /** ISO 8601: when it was decided. */
  readonly time: string;
  readonly verdict: TapVerdict;
  /** Why. */
  readonly reason: string;
  readonly source: SourceName;
  readonly file: string;
  readonly offset: number;
  /** Absent, with all that follows, if it is not an alert. */
  readonly id?: string | undefined;
  readonly timestamp?: string | undefined;
  readonly agentId?: string | undefined;
  readonly agentName?: string | undefined;
  readonly ruleId?: string | undefined;
  readonly level?: number | undefined;
  readonly description?: string | undefined;
  readonly location?: string | undefined;
}

/** Alerts a second that a listener is shown; above that it gets a sample, and is notified of that. */
export const tapShownPerSecond = 100;
/** Of them, those that ignored and paired ones may not take at once: what arrives is of more interest. */
const keptForOutcomes = 50;
/** Alerts of each verdict that are looked into a second, for all listeners together: this bounds what the tap costs. */
const examinedPerSecond = 150;
/** Elements of a list that are compared. */
const maxElements = 256;
const maxText = 256;
/** More fields than anybody asks for. */
export const maxTapFields = 16;

/** Who looks. */
export interface TapListener {
  readonly filter: TapFilter;
  taken(alert: TappedAlert): void;
  /** Not all that came by was looked at, or shown. Called for each that was left out. */
  sampled(): void;
}

interface Listening {
  readonly listener: TapListener;
  readonly shown: Bucket;
  isOver: boolean;
}

/** So many a second; a burst of one second's number goes through at once. */
class Bucket {
  readonly #perSecond: number;
  #left: number;
  #atMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#atMs = nowMs;
  }

  /** @param kept how many must be left */
  take(nowMs: number, kept = 0): boolean {
    this.#left = Math.min(this.#perSecond, this.#left + ((nowMs - this.#atMs) / 1000) * this.#perSecond);
    this.#atMs = nowMs;
    if (this.#left < kept + 1) return false;
    this.#left -= 1;
    return true;
  }
}

/**
 * Shows alerts as they come by. While nobody listens, which `isOn` says, nothing of it may be called: that check is all it
 * costs then. Lives as long as the process, over every reload.
 */
export class Tap {
  /** Whether anybody listens. */
  isOn = false;
  #listening: readonly Listening[] = [];
  readonly #now: () => number;
  readonly #examined: Readonly<Record<TapVerdict, Bucket>>;

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    const bucket = (): Bucket => new Bucket(examinedPerSecond, now());
    this.#examined = { sent: bucket(), ignored: bucket(), paired: bucket(), dead: bucket() };
  }

  listen(listener: TapListener, until: AbortSignal): void {
    if (until.aborted) return;
    const one: Listening = { listener, shown: new Bucket(tapShownPerSecond, this.#now()), isOver: false };
    this.#listening = [...this.#listening, one];
    this.isOn = true;
    until.addEventListener(
      "abort",
      () => {
        one.isOver = true;
        this.#listening = this.#listening.filter((other) => other !== one);
        this.isOn = this.#listening.length > 0;
      },
      { once: true },
    );
  }

  /**
   * Lines that relevance left out; those that are whole in a stretch of the log are shown as ignored.
   * @param bytes of which nothing is kept @param from begins a line
   */
  leftOut(bytes: Buffer, from: number, to: number): void {
    for (let at = from; at < to;) {
      const end = bytes.indexOf(0x0a, at);
      if (end < 0 || end > to) return;
      const wanting = this.#wanting("ignored", "tail");
      if (wanting.length === 0) return;
      const line = Buffer.from(bytes.subarray(at, end));
      const place = { file: "", offset: 0, length: line.length };
      this.#show(wanting, "ignored", "nothing in it that a handler looks for", { source: "tail", place }, parsed(line));
      at = end + 1;
    }
  }

  /** No handler wants it. @param why `leftOut` of a handler: it was probably meant for that one */
  ignored(delivery: Delivery, alert: Alert, why: string | undefined): void {
    const wanting = this.#wanting("ignored", delivery.source);
    if (wanting.length === 0) return;
    const reason = alert.isOwn
      ? "an event of the forwarder itself"
      : why === undefined
        ? "no handler wants it"
        : `no handler wants it (${why})`;
    this.#show(wanting, "ignored", reason, delivery, alert);
  }

  /** A copy of an alert that is, was or will be brought by the other source. @param reason for people */
  paired(delivery: Delivery, alert: Alert, reason: string): void {
    const wanting = this.#wanting("paired", delivery.source);
    if (wanting.length > 0) this.#show(wanting, "paired", reason, delivery, alert);
  }

  /** An alert sets out to the sink. @returns who waits for its outcome in place of its owner, and passes it on to that one */
  shipped(delivery: Delivery, alert: Alert, parts: readonly Part[]): Owner {
    const { owner } = delivery;
    const wanting = this.#wanting("sent", delivery.source).filter(
      ({ listener: { filter } }) =>
        (filter.handler === undefined || parts.some((part) => part.handler === filter.handler)) && holds(filter, alert),
    );
    if (wanting.length === 0) return owner;
    const made = parts.flatMap((part) => ("topic" in part ? [`${part.handler} to topic ${part.topic}`] : []));
    const seen = seenOf("sent", `acknowledged: ${made.join(", ")}`, delivery, alert);
    return {
      settled: (outcome, line) => {
        if (outcome === "acknowledged") this.#give(wanting, { ...seen, time: new Date().toISOString() });
        owner.settled(outcome, line);
      },
    };
  }

  /** A store for dead letters that shows what comes in, once it is stored. */
  reporting(store: { add(entry: NewDeadLetter): Promise<void> }): { add(entry: NewDeadLetter): Promise<void> } {
    return {
      add: async (entry) => {
        await store.add(entry);
        if (this.isOn) this.#dead(entry);
      },
    };
  }

  #dead({ source, reason, detail, handler, place, bytes }: NewDeadLetter): void {
    const wanting = this.#wanting("dead", source, handler);
    if (wanting.length === 0) return;
    const by = handler === undefined ? "" : `${handler}, `;
    this.#show(wanting, "dead", `${by}${reason}: ${detail}`, { source, place }, parsed(bytes));
  }

  /** Those who may want such an alert, if it may be looked into. */
  #wanting(verdict: TapVerdict, source: SourceName, handler?: string): readonly Listening[] {
    const wanting = this.#listening.filter(({ listener: { filter } }) => {
      if ((filter.verdict ?? verdict) !== verdict || (filter.source ?? source) !== source) return false;
      return verdict === "sent" || filter.handler === undefined || filter.handler === handler;
    });
    if (wanting.length === 0 || this.#examined[verdict].take(this.#now())) return wanting;
    for (const { listener } of wanting) listener.sampled();
    return [];
  }

  #show(
    wanting: readonly Listening[],
    verdict: TapVerdict,
    reason: string,
    from: { readonly source: SourceName; readonly place: SourceLocation },
    alert: Alert | undefined,
  ): void {
    const fitting = wanting.filter(({ listener: { filter } }) => holds(filter, alert));
    if (fitting.length > 0) this.#give(fitting, seenOf(verdict, reason, from, alert));
  }

  #give(wanting: readonly Listening[], alert: TappedAlert): void {
    for (const one of wanting) {
      if (one.isOver) continue;
      const kept = alert.verdict === "ignored" || alert.verdict === "paired" ? keptForOutcomes : 0;
      if (one.shown.take(this.#now(), kept)) one.listener.taken(alert);
      else one.listener.sampled();
    }
  }
}

function parsed(bytes: Buffer): Alert | undefined {
  try {
    return Alert.parse(bytes);
  } catch (reason) {
    if (reason instanceof NotJson) return undefined;
    throw reason;
  }
}

/** What is not an alert has no fields. */
function holds({ fields }: TapFilter, alert: Alert | undefined): boolean {
  return fields.every(({ path, value }) => {
    const member = alert?.member(...path);
    if (member === undefined) return false;
    if (member.kind === "object") return false;
    if (member.kind !== "array") return member.text === value;
    let compared = 0;
    for (const element of member.elements()) {
      if (element.text === value) return true;
      compared += 1;
      if (compared === maxElements) break;
    }
    return false;
  });
}

function seenOf(
  verdict: TapVerdict,
  reason: string,
  { source, place }: { readonly source: SourceName; readonly place: SourceLocation },
  alert: Alert | undefined,
): TappedAlert {
  const description = alert?.member("rule", "description");
  return {
    time: new Date().toISOString(),
    verdict,
    reason: short(reason) ?? "",
    source,
    file: place.file,
    offset: place.offset,
    id: short(alert?.id),
    timestamp: short(alert?.timestamp),
    agentId: short(alert?.agentId),
    agentName: short(alert?.agentName),
    ruleId: short(alert?.ruleId),
    level: alert?.ruleLevel,
    description: description?.kind === "string" ? short(description.text) : undefined,
    location: short(alert?.location),
  };
}

function short(text: string | undefined): string | undefined {
  return text === undefined || text.length <= maxText ? text : `${text.slice(0, maxText)}…`;
}
