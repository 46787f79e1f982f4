import type { FeedbackSink } from "../contract.ts";
import type { DeadLetterStore, NewDeadLetter } from "../dead-letters/store.ts";
import { isNonAlert } from "../dead-letters/segments.ts";
import type { Log } from "../telemetry/log.ts";
import type { ReasonCode } from "../telemetry/reason-codes.ts";
import { Throttle } from "../telemetry/throttle.ts";

const remedy =
  "wazuh-dfn dead-letter list shows it; fix the cause, then dead-letter replay, purge, or ack to acknowledge it";

/**
 * Says that something could not be delivered: in the log at once, then once a minute with how many it were. Lives as long
 * as the process, over every reload. Alerts and lines of the socket that are not alerts are kept apart, so that nobody can
 * hide the former behind the latter.
 */
export class DeadLetterEvents implements Disposable {
  readonly #alerts: Throttle;
  readonly #nonAlerts: Throttle;

  /** @param everyMs milliseconds in which one line of each kind is written */
  constructor(everyMs = 60_000) {
    this.#alerts = new Throttle({ everyMs });
    this.#nonAlerts = new Throttle({ everyMs });
  }

  /** A store that reports what is stored in it, once it is durable. */
  reporting(
    store: Pick<DeadLetterStore, "add">,
    log: Log,
    feedback: FeedbackSink | undefined,
  ): Pick<DeadLetterStore, "add"> {
    return {
      add: async (entry) => {
        // Not the entry itself: nothing may hold on to the alert's bytes.
        const { bytes: _bytes, ...rest } = entry;
        await store.add(entry);
        this.#stored(rest, log, feedback);
      },
    };
  }

  [Symbol.dispose](): void {
    this.#alerts[Symbol.dispose]();
    this.#nonAlerts[Symbol.dispose]();
  }

  #stored(entry: Omit<NewDeadLetter, "bytes">, log: Log, feedback: FeedbackSink | undefined): void {
    const { source, reason, detail, handler, place } = entry;
    const notAnAlert = isNonAlert(entry);
    const what = notAnAlert
      ? "a line of the socket is not an alert and is in the dead-letter store"
      : "an alert, or a line that may be one, cannot be delivered and is in the dead-letter store";
    const code: ReasonCode = notAnAlert ? "socket-lines-not-alerts" : "dead-letters-open";
    (notAnAlert ? this.#nonAlerts : this.#alerts).report((entries) => {
      const { file, offset } = place;
      log.error({ code, source, handler, reason, detail, file, offset, entries }, `${what}: ${remedy}`);
    });
    // Of an alert whose record was refused the shipper reports it, with the alert's id.
    if (notAnAlert || handler !== undefined) return;
    const description = `line at byte ${place.offset} of ${place.file}: ${reason}`;
    feedback?.error({ code: 503, description, status: "dead-letter" });
  }
}
