import { setTimeout as delay } from "node:timers/promises";
import { describe } from "../errors.ts";
import { loadNative, type Native } from "../os/native.ts";
import { ConditionLog } from "../telemetry/condition-log.ts";
import type { Log } from "../telemetry/log.ts";
import { Throttle } from "../telemetry/throttle.ts";
import { formatQueueAddress, type QueueAddress } from "./queue-address.ts";
import { PendingMessages } from "./pending-messages.ts";
import {
  acknowledgedMessage,
  errorMessage,
  statusMessage,
  type AcknowledgedEvent,
  type ErrorEvent,
  type StatusEvent,
} from "./queue-message.ts";
import { QueueSocket } from "./queue-socket.ts";
import { QueueStream } from "./queue-stream.ts";
import type { QueueTransport } from "./queue-transport.ts";

export interface FeedbackOptions {
  /** Where events go: analysisd's own socket, or a relay in front of it. */
  readonly queue: QueueAddress;
  /** on: every event; errors: errors only; off: none. */
  readonly mode: "on" | "errors" | "off";
  readonly log: Log;
  /** Most events that wait; what comes beyond it is dropped. */
  readonly queueLimit?: number;
  /** Milliseconds in which dead letters make one event, and warnings ten. */
  readonly errorsEveryMs?: number;
  /** Where the system calls come from. */
  readonly load?: () => Native;
}

export interface FeedbackSnapshot {
  readonly sent: number;
  readonly dropped: number;
  /** Sends that failed and were tried again later. */
  readonly retried: number;
  readonly queued: number;
}

const defaultQueueLimit = 10_000;
const limitCharacters = 8 * 1024 * 1024;
/** Most sends before other work of the process has its turn. */
const burst = 100;
/** analysisd empties a full queue within a millisecond; one that is blocked or not running is retried at growing intervals. */
const firstWaitMs = { full: 1, away: 50 };
const longestWaitMs = 1000;
/** The longest that the end of the process is held up. */
const flushMs = 500;

/**
 * Reports to Wazuh what became of alerts. Nothing here waits for Wazuh: events stay in a bounded queue until analysisd takes
 * them; what is dropped is counted each time, and logged once, with the total when it is over.
 */
export class Feedback implements AsyncDisposable {
  readonly #options: FeedbackOptions;
  readonly #pending: PendingMessages;
  /**
   * The rules have no `ignore`, by which a forged event could hide a true one: that a thousand dead letters do not
   * become a thousand alerts is seen to here.
   */
  readonly #throttles: { readonly deadLetters: Throttle; readonly warnings: Throttle };
  /** Undefined when feedback is off, and after the end. */
  #transport: QueueTransport | undefined;
  #isOff: boolean;
  /** The next send, when one is planned. */
  #planned: { cancel(): void } | undefined;
  /** Failures since the last datagram that was taken. */
  #failures = 0;
  readonly #away: ConditionLog;
  #sent = 0;
  #retried = 0;
  #dropped = 0;
  /** The value of `#dropped` when the current period of dropping began. */
  #droppedBefore: number | undefined;

  constructor(options: FeedbackOptions) {
    this.#options = options;
    this.#away = new ConditionLog(options.log, { repeatMs: Infinity });
    this.#pending = new PendingMessages(options.queueLimit ?? defaultQueueLimit, limitCharacters);
    const { errorsEveryMs: everyMs = 60_000 } = options;
    this.#throttles = { deadLetters: new Throttle({ everyMs }), warnings: new Throttle({ everyMs, burst: 10 }) };
    this.#isOff = options.mode === "off";
    if (!this.#isOff) this.#load(options.load ?? loadNative);
  }

  /**
   * The sink has the record of this alert. Returns at once.
   * @param event called only if there is room for it: if nobody listens, hundreds of thousands are dropped
   */
  acknowledged(event: () => AcknowledgedEvent): void {
    if (this.#options.mode === "on") this.#enqueue(() => acknowledgedMessage(event()));
  }

  /**
   * Something that a person at the manager should know. Returns at once. What happens more often than a person can read
   * is reported together, a minute later, with how often it was.
   */
  error(event: ErrorEvent): void {
    if (this.#options.mode === "off") return;
    const throttle = event.status === "dead-letter" ? this.#throttles.deadLetters : this.#throttles.warnings;
    throttle.report((count) => {
      const more = count === 1 ? "" : `, and ${count - 1} more before it`;
      this.#enqueue(() => errorMessage({ ...event, description: `${event.description}${more}` }));
    });
  }

  /** The forwarder itself is degraded, or well again. Returns at once. */
  status(event: StatusEvent): void {
    if (this.#options.mode !== "off") this.#enqueue(() => statusMessage(event));
  }

  snapshot(): FeedbackSnapshot {
    return { sent: this.#sent, dropped: this.#dropped, retried: this.#retried, queued: this.#pending.size };
  }

  /** Sends what analysisd takes within half a second; the rest is dropped and counted. Safe in every state, and twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const throttle of Object.values(this.#throttles)) throttle[Symbol.dispose]();
    const endsAt = performance.now() + flushMs;
    let failure = this.#send();
    while (this.#pending.size > 0 && failure !== "away" && performance.now() < endsAt) {
      await delay(firstWaitMs.full);
      failure = this.#send();
    }
    this.#isOff = true;
    this.#planned?.cancel();
    this.#transport?.[Symbol.dispose]();
    this.#transport = undefined;
    const events = this.#pending.clear();
    this.#dropped += events;
    if (events > 0)
      this.#options.log.warn(
        { code: "last-feedback-dropped", events },
        "the last feedback events could not be sent to Wazuh",
      );
  }

  #load(load: () => Native): void {
    const { queue } = this.#options;
    try {
      this.#transport = queue.kind === "tcp" ? new QueueStream(queue) : new QueueSocket(load(), queue.path);
    } catch (reason) {
      this.#isOff = true;
      this.#options.log.warn(
        { code: "feedback-off" },
        `feedback to Wazuh is off, alerts are still forwarded: ${describe(reason)}. ` +
          "Put the native file next to the forwarder's bundle, or set wazuh.feedback to off",
      );
    }
  }

  #enqueue(message: () => string): void {
    if (this.#isOff) {
      this.#dropped++;
      return;
    }
    if (this.#pending.isFull) this.#drop(1);
    else this.#pending.push(message());
    this.#plan();
  }

  #plan(): void {
    if (this.#planned !== undefined || this.#transport === undefined || this.#pending.size === 0) return;
    const immediate = setImmediate(() => this.#run());
    this.#planned = { cancel: () => clearImmediate(immediate) };
  }

  #run(): void {
    this.#planned = undefined;
    const failure = this.#send();
    if (failure === undefined) {
      this.#plan();
      return;
    }
    this.#retried++;
    const waitMs = Math.min(firstWaitMs[failure] * 2 ** Math.min(this.#failures, 10), longestWaitMs);
    this.#failures++;
    const timer = setTimeout(() => this.#run(), waitMs).unref();
    this.#planned = { cancel: () => clearTimeout(timer) };
  }

  /** Sends until nothing is left, it is others' turn, or a send fails: then why. */
  #send(): "full" | "away" | undefined {
    for (let count = 0; count < burst; count++) {
      const message = this.#pending.oldest;
      if (message === undefined || this.#transport === undefined) return undefined;
      const result = this.#transport.send(Buffer.from(message));
      if (result.kind === "full") return "full";
      if (result.kind === "away") {
        this.#wentAway(result.why);
        return "away";
      }
      this.#pending.shift();
      if (result.kind === "sent") this.#wasTaken();
      else this.#drop(1);
    }
    return undefined;
  }

  #wasTaken(): void {
    this.#sent++;
    this.#failures = 0;
    this.#away.clear("Wazuh accepts feedback events again");
    if (this.#pending.size > 0) return;
    this.#transport?.idle();
    if (this.#droppedBefore === undefined) return;
    const events = this.#dropped - this.#droppedBefore;
    this.#droppedBefore = undefined;
    this.#options.log.warn({ code: "feedback-no-longer-dropped", events }, "feedback events are no longer dropped");
  }

  #wentAway(why: string): void {
    const { queue } = this.#options;
    const text =
      queue.kind === "tcp"
        ? "Wazuh's queue cannot be reached, feedback events wait. Is the relay of wazuh.queue running?"
        : "Wazuh's queue socket cannot be reached, feedback events wait. Is analysisd running, and is the forwarder in group wazuh?";
    const fields = { queue: formatQueueAddress(queue), reason: why };
    this.#away.raise(why, { code: "feedback-away", text, fields, level: "warn" });
  }

  #drop(events: number): void {
    if (this.#droppedBefore === undefined) {
      this.#droppedBefore = this.#dropped;
      const { queue, log } = this.#options;
      log.warn(
        { code: "feedback-dropped", queue: formatQueueAddress(queue) },
        "feedback events are dropped: Wazuh does not accept any. Alerts are not affected",
      );
    }
    this.#dropped += events;
  }
}
