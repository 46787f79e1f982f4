import { leftOutReasons } from "../handlers/registry.ts";
import type { Part } from "./shipment.ts";

/** More kinds of events than anybody configures; what comes beyond is not remembered. */
const maxEvents = 256;

export interface EventReport {
  /** By Windows event id, or the handler's name for what has none: when the last alert was taken (ISO 8601). */
  readonly lastSeen: Readonly<Record<string, string>>;
  /** Alerts that were not sent and probably should have been, by reason. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** Records that were made, by handler; absent from the status of an older forwarder. */
  readonly records?: Readonly<Record<string, number>>;
}

/** Of one name; an object, because a map would make a new number for each alert. */
interface Seen {
  count: number;
  /** Milliseconds since 1970. */
  atMs: number;
}

/** When each kind of event was last seen, and what was left out; lives as long as the process, over every reload. */
export class EventWatch {
  readonly #events = new Map<string, Seen>();
  readonly #records = new Map<string, Seen>();
  readonly #leftOut = new Map(leftOutReasons.map((reason) => [reason, 0]));
  readonly #now: () => number;

  /** @param now milliseconds since 1970 */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  shipped(parts: readonly Part[]): void {
    for (const part of parts) {
      if (!("failure" in part)) this.#note(this.#records, part.handler);
      const name = ("feedback" in part ? part.feedback?.eventId : undefined) ?? part.handler;
      this.#note(this.#events, name);
    }
  }

  #note(names: Map<string, Seen>, name: string): void {
    const seen = names.get(name);
    if (seen !== undefined) {
      seen.count += 1;
      seen.atMs = this.#now();
    } else if (names.size < maxEvents) names.set(name, { count: 1, atMs: this.#now() });
  }

  /** @param reason one of `leftOutReasons` */
  leftOut(reason: string): void {
    this.#leftOut.set(reason, (this.#leftOut.get(reason) ?? 0) + 1);
  }

  report(): EventReport {
    const seen = [...this.#events].map(([name, { atMs }]) => [name, new Date(atMs).toISOString()] as const);
    const records = [...this.#records].map(([handler, { count }]) => [handler, count] as const);
    return {
      lastSeen: Object.fromEntries(seen),
      leftOut: Object.fromEntries(this.#leftOut),
      records: Object.fromEntries(records),
    };
  }
}
