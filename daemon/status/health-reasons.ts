import type { OpenDeadLetters } from "../dead-letters/open.ts";
import { sinkDefinition } from "../sink-kinds/registry.ts";
import { certificateDeadline } from "../sinks/kafka/tls/deadline.ts";
import { waitReasonOf, type TailStatus } from "../sources/tail/status.ts";
import type { ReasonCode } from "../telemetry/reason-codes.ts";
import type { Facts } from "./facts.ts";

/** A condition as found by one check; it counts once it has lasted. */
interface HealthReason {
  readonly code: ReasonCode;
  readonly subject: string;
  readonly text: string;
  readonly remedy: string;
  /** How long it must last before it counts. */
  readonly patienceMs: number;
  /** ISO 8601: when it began, if that is known; otherwise when it was first seen. */
  readonly since?: string | undefined;
}

/** If work waits for this long and nothing gets an outcome, it is stuck. */
const stuckMs = 10_000;
/** Longer than alerts.json is away while it is re-linked, or a partition without a leader while one is chosen. */
const shortMs = 1000;
/** A log that is behind by more than a minute for this long is reported. */
const behindSeconds = 60;
const behindMs = 10_000;
const maxCausesShown = 5;
/** For this long after the last contradictory copy, somebody should look into it. */
const contradictedSeconds = 3600;

/**
 * Everything that is wrong at this moment, the most serious first; each subject once.
 * @param idleMs how long alerts have waited while none of them got an outcome
 */
export function healthReasons(facts: Facts, idleMs: number): HealthReason[] {
  return [
    ...unready(facts),
    ...stuck(facts, idleMs),
    ...sinkTroubles(facts),
    ...logTroubles(facts),
    ...socketTroubles(facts),
    ...storeTroubles(facts),
    ...openDeadLetters(facts),
    ...certificateTroubles(facts),
  ];
}

function unready({ isReady }: Facts): HealthReason[] {
  if (isReady) return [];
  const text = "the forwarder is starting, stopping, or applying changed settings";
  return [{ code: "not-ready", subject: "forwarder", text, remedy: "", patienceMs: 0 }];
}

function stuck({ queue, sink }: Facts, idleMs: number): HealthReason[] {
  if (idleMs < stuckMs) return [];
  const text = `${queue.alerts} alerts are in flight, and none of them got an outcome for ${Math.floor(idleMs / 1000)} s`;
  const remedy = sinkDefinition(sink).isHeldUp(sink)
    ? "fix what is named below"
    : "look for the last error in the log; nothing is lost meanwhile";
  return [{ code: "delivery-stuck", subject: "delivery", text, remedy, patienceMs: 0 }];
}

function sinkTroubles({ sink }: Facts): readonly HealthReason[] {
  return sinkDefinition(sink).troubles(sink);
}

function logTroubles({ log }: Facts): HealthReason[] {
  if (log === undefined) return [];
  return [...readingTroubles(log), ...damagedArchives(log)];
}

function readingTroubles(log: TailStatus): HealthReason[] {
  const waiting = waitReasonOf(log.state);
  if (waiting !== undefined) {
    const { troubleCode: code = "log-unreadable" } = log;
    return [{ code, subject: "log", text: waiting, remedy: "", patienceMs: shortMs }];
  }
  if (log.lagSeconds === undefined || log.lagSeconds <= behindSeconds) return [];
  const more = log.lagCompressedFiles > 0 ? ` and ${log.lagCompressedFiles} compressed files` : "";
  const text = `reading is ${log.lagSeconds} s behind the log; ${log.lagBytes ?? 0} bytes${more} are still to be read`;
  const remedy = "a backlog is processed by itself: watch whether the delay shrinks";
  return [{ code: "log-behind", subject: "log", text, remedy, patienceMs: behindMs }];
}

/** Each stays until it is intact and read, or gone. */
function damagedArchives({ damagedArchives = [] }: TailStatus): HealthReason[] {
  const [first] = damagedArchives;
  if (first === undefined) return [];
  const more = damagedArchives.length > 1 ? `, and ${damagedArchives.length - 1} more` : "";
  const text = `${first.file} is damaged and was read up to byte ${first.offset} of its content${more}`;
  const remedy =
    "replace it with an intact copy: the rest is then read by itself; if there is no copy, move the file away, which ends this warning";
  return [{ code: "archive-damaged", subject: "damaged archives", text, remedy, patienceMs: 0 }];
}

function socketTroubles({ socket }: Facts): HealthReason[] {
  if (socket?.contradictedSecondsAgo === undefined || socket.contradictedSecondsAgo > contradictedSeconds) return [];
  const text = `${socket.contradicted} copies of alerts on the socket differed from alerts.json, the last one ${socket.contradictedSecondsAgo} s ago; the lines of alerts.json were sent`;
  const remedy = "find out which program of a user in sources.socket.allow sends them; the log names their ids";
  return [{ code: "socket-copies-differ", subject: "socket", text, remedy, patienceMs: 0 }];
}

function storeTroubles(facts: Facts): HealthReason[] {
  const { checkpoint, deadLetters } = facts;
  const troubles = [
    { subject: "checkpoint", text: checkpoint?.trouble, code: checkpoint?.troubleCode ?? "checkpoint-unwritable" },
    {
      subject: "dead-letter store",
      text: deadLetters.trouble,
      code: deadLetters.troubleCode ?? "dead-letters-unwritable",
    },
  ] as const;
  return [
    ...troubles.flatMap(({ text, ...one }) =>
      text === undefined ? [] : [{ ...one, text, remedy: "", patienceMs: 0 }],
    ),
    ...givenUp(facts),
  ];
}

/** What was lost because the dead-letter store is full; until the store is empty or the forwarder is restarted. */
function givenUp({ deadLetters }: Facts): HealthReason[] {
  const { entries, rawGivenUp, nonAlertsGivenUp } = deadLetters;
  if (entries === 0 || rawGivenUp + nonAlertsGivenUp === 0) return [];
  const losses = [
    ...(rawGivenUp > 0 ? [`${rawGivenUp} of its oldest entries lost their raw bytes`] : []),
    ...(nonAlertsGivenUp > 0 ? [`${nonAlertsGivenUp} lines of the socket that were not alerts were removed`] : []),
  ];
  const text = `the dead-letter store is full: ${losses.join(", and ")}`;
  const remedy = "wazuh-dfn dead-letter list; fix the cause, then replay or purge them";
  return [{ code: "dead-letters-full", subject: "dead letters full", text, remedy, patienceMs: 0 }];
}

/** What could not be delivered, until it is sent again, removed or acknowledged; restarts do not change that. */
function openDeadLetters({ deadLetters: { open, openNonAlerts } }: Facts): HealthReason[] {
  const found: HealthReason[] = [];
  if (open.entries > 0) {
    const which = open.entries === 1 ? "1 dead letter is" : `${open.entries} dead letters are`;
    const text = `${which} in the store, not delivered: ${causesOf(open)}`;
    const remedy =
      "wazuh-dfn dead-letter list; fix the cause, then dead-letter replay --all, or acknowledge them: dead-letter ack --all";
    const code = "dead-letters-open";
    found.push({ code, subject: "dead letters", text, remedy, patienceMs: 0, since: open.since });
  }
  if (openNonAlerts.entries > 0) {
    const { entries } = openNonAlerts;
    const what =
      entries === 1 ? "1 line of the socket is not an alert" : `${entries} lines of the socket are not alerts`;
    const text = `${what}: ${causesOf(openNonAlerts)}`;
    const remedy =
      "wazuh-dfn dead-letter list; find out which program of a user in sources.socket.allow sends them, then dead-letter purge or ack";
    const [code, subject] = ["socket-lines-not-alerts", "dead letters of the socket"] as const;
    found.push({ code, subject, text, remedy, patienceMs: 0, since: openNonAlerts.since });
  }
  return found;
}

function causesOf({ entries, causes, detail }: OpenDeadLetters): string {
  const shown = causes.slice(0, maxCausesShown).map((cause) => {
    const by = cause.handler === undefined ? "" : `handler ${cause.handler}, `;
    return `${cause.entries} ${cause.reason} (${by}source ${cause.source})`;
  });
  const rest = entries - causes.slice(0, maxCausesShown).reduce((sum, cause) => sum + cause.entries, 0);
  const parts = rest > 0 ? [...shown, `${rest} others`] : shown;
  return `${parts.join(", ")}${detail === undefined ? "" : `; the newest: ${detail}`}`;
}

function certificateTroubles({ certificates }: Facts): HealthReason[] {
  return certificates.flatMap(({ setting, file, expiresAt, daysLeft, trouble }): HealthReason[] => {
    const subject = `certificate ${file}`;
    if (trouble !== undefined) {
      return [{ code: "certificate-unreadable", subject, text: trouble, remedy: "", patienceMs: shortMs }];
    }
    if (daysLeft === undefined || daysLeft > certificateDeadline.degradedDays) return [];
    const when = daysLeft < 0 ? `expired on ${expiresAt ?? ""}` : `expires in ${daysLeft} days, on ${expiresAt ?? ""}`;
    const end = daysLeft < 0 ? "expired" : "expiring";
    if (setting === "status.tls.cert" || setting === "status.tls.client_ca") {
      const remedy = "get a new one issued, replace the file, and systemctl reload wazuh-dfn; alerts are not affected";
      const text = `${setting}: ${file} ${when}`;
      return [{ code: `status-certificate-${end}`, subject, text, remedy, patienceMs: 0 }];
    }
    const text = `sink.kafka.tls.${setting}: ${file} ${when}`;
    const remedy = "get a new one issued and replace the file; it is loaded without a restart";
    return [{ code: `certificate-${end}`, subject, text, remedy, patienceMs: 0 }];
  });
}
