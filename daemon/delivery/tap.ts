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
  /** Some of what came by since the last call were not looked at, or not shown. */
  sampled(): void;
}

interface Listening {
  readonly listener: TapListener;
  /** How many may be shown until the next `refill`. */
  shown: number;
  /** Some of what it may want was not shown. */
  isSampled: boolean;
  isOver: boolean;
}

/** How often it is made up for what was used: a hundredth of a second's number is not worth a look at the clock. */
const refillEveryMs = 50;

/**
 * Shows alerts as they come by. While nobody listens, which `isOn` says, nothing of it may be called: that check is all it
 * costs then. Lives as long as the process, over every reload.
 */
export class Tap {
  /** Whether anybody listens. */
  isOn = false;
  #listening: readonly Listening[] = [];
  readonly #now: () => number;
  /** How many of each verdict may be looked into until the next `refill`. */
  readonly #left: Record<TapVerdict, number> = { sent: 0, ignored: 0, paired: 0, dead: 0 };
  /** Sources of which some were not looked into since then. */
  readonly #missed: Readonly<Record<TapVerdict, Set<SourceName>>> = {
    sent: new Set(),
    ignored: new Set(),
    paired: new Set(),
    dead: new Set(),
  };
  #refilledAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  listen(listener: TapListener, until: AbortSignal): void {
    if (until.aborted) return;
    if (!this.isOn) this.#begin();
    const one: Listening = { listener, shown: tapShownPerSecond, isSampled: false, isOver: false };
    this.#listening = [...this.#listening, one];
    until.addEventListener("abort", () => this.#forget(one), { once: true });
  }

  #begin(): void {
    this.isOn = true;
    this.#refilledAtMs = this.#now();
    for (const verdict of tapVerdicts) {
      this.#left[verdict] = examinedPerSecond;
      this.#missed[verdict].clear();
    }
    this.#timer = setInterval(() => this.refill(), refillEveryMs).unref();
  }

  #forget(one: Listening): void {
    one.isOver = true;
    this.#listening = this.#listening.filter((other) => other !== one);
    this.isOn = this.#listening.length > 0;
    if (!this.isOn) clearInterval(this.#timer);
  }

  /** Makes up for what was used, by the time since then; listeners hear now of what was left out. Called by a timer. */
  refill(): void {
    const seconds = (this.#now() - this.#refilledAtMs) / 1000;
    this.#refilledAtMs += seconds * 1000;
    for (const one of this.#listening) {
      one.shown = Math.min(tapShownPerSecond, one.shown + seconds * tapShownPerSecond);
      const isMissed = tapVerdicts.some((verdict) =>
        [...this.#missed[verdict]].some((source) => mayWant(one.listener.filter, verdict, source)),
      );
      if (isMissed || one.isSampled) one.listener.sampled();
      one.isSampled = false;
    }
    for (const verdict of tapVerdicts) {
      this.#left[verdict] = Math.min(examinedPerSecond, this.#left[verdict] + seconds * examinedPerSecond);
      this.#missed[verdict].clear();
    }
  }

  /**
   * Lines that relevance left out; those that are whole in a stretch of the log are shown as ignored.
   * @param bytes of which nothing is kept @param from begins a line
   */
  leftOut(bytes: Buffer, from: number, to: number): void {
    if (this.#left.ignored < 1) {
      if (to > from) this.#missed.ignored.add("tail");
      return;
    }
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
    if (this.#left.sent < 1) {
      this.#missed.sent.add(delivery.source);
      return owner;
    }
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
    if (this.#left[verdict] < 1) {
      this.#missed[verdict].add(source);
      return nobodyWants;
    }
    const wanting = this.#listening.filter(({ listener: { filter } }) => mayWant(filter, verdict, source, handler));
    if (wanting.length > 0) this.#left[verdict] -= 1;
    return wanting;
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
      // What arrives is of more interest than what does not.
      const kept = alert.verdict === "ignored" || alert.verdict === "paired" ? keptForOutcomes : 0;
      if (one.shown < kept + 1) one.isSampled = true;
      else {
        one.shown -= 1;
        one.listener.taken(alert);
      }
    }
  }
}

const nobodyWants: readonly Listening[] = [];

/** @param handler that made a dead letter; what is sent is asked for its handlers later */
function mayWant(filter: TapFilter, verdict: TapVerdict, source: string, handler?: string): boolean {
  if ((filter.verdict ?? verdict) !== verdict || (filter.source ?? source) !== source) return false;
  return verdict === "sent" || filter.handler === undefined || filter.handler === handler;
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
