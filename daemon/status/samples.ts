import { sinkDefinition } from "../sink-kinds/registry.ts";
import { reasonCodes } from "../telemetry/reason-codes.ts";
import { waitReasonOf } from "../sources/tail/status.ts";
import type { StatusSnapshot } from "./facts.ts";

/** One line of the metrics. A name that ends in `_total` only grows while the process runs. */
export interface Sample {
  readonly name: string;
  readonly help: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

type Labels = Sample["labels"];

/** A snapshot as samples; unknown figures are left out. */
export function samplesOf(snapshot: StatusSnapshot): Sample[] {
  const samples: Sample[] = [];
  const add = (name: string, help: string, value: number | undefined, labels: Labels = {}): void => {
    if (value !== undefined) samples.push({ name, help, labels, value });
  };
  addAlerts(snapshot, add);
  addState(snapshot, add);
  addLog(snapshot, add);
  addSink(snapshot, add);
  addStore(snapshot, add);
  return samples;
}

type Add = (name: string, help: string, value: number | undefined, labels?: Labels) => void;

function addAlerts({ sources, queue, pairingWindow, socket, events }: StatusSnapshot, add: Add): void {
  for (const [source, counts] of Object.entries(sources)) {
    const labels = { source };
    add(
      "wazuh_dfn_alerts_read_total",
      "Alerts, and lines that are not alerts, read from the source",
      counts.read,
      labels,
    );
    add("wazuh_dfn_alerts_ignored_total", "Alerts that no handler wants", counts.ignored, labels);
    add(
      "wazuh_dfn_alerts_paired_total",
      "Alerts that are covered by a copy from another source",
      counts.paired,
      labels,
    );
    add("wazuh_dfn_alerts_in_flight", "Relevant alerts without an outcome yet", counts.inFlight, labels);
    add("wazuh_dfn_alerts_acknowledged_total", "Alerts whose records are in the sink", counts.acknowledged, labels);
    add("wazuh_dfn_alerts_dead_lettered_total", "Alerts in the dead-letter store", counts.deadLettered, labels);
  }
  add("wazuh_dfn_queue_alerts", "Alerts between read and outcome that are worked on", queue.alerts);
  add("wazuh_dfn_queue_bytes", "Bytes between read and outcome", queue.bytes);
  add("wazuh_dfn_queue_limit_bytes", "Maximum bytes between read and outcome (limits.memory)", queue.limitBytes);
  add("wazuh_dfn_pairing_window_alerts", "Alerts that are remembered to recognise a second copy", pairingWindow);
  add("wazuh_dfn_socket_refused_total", "Connections of users who may not send alerts", socket?.refused);
  const contradicted = "Copies of alerts on the socket that differed from alerts.json";
  add("wazuh_dfn_socket_contradicted_total", contradicted, socket?.contradicted);
  for (const [reason, count] of Object.entries(events.leftOut)) {
    add("wazuh_dfn_alerts_left_out_total", "Alerts that were not sent and probably should have been", count, {
      reason,
    });
  }
}

function addState({ version, node, health, isReady, uptimeSeconds, process }: StatusSnapshot, add: Add): void {
  add("wazuh_dfn_build_info", "Always 1; version of wazuh-dfn and of Node", 1, { version, node });
  add("wazuh_dfn_ready", "1 while alerts are accepted", isReady ? 1 : 0);
  add("wazuh_dfn_degraded", "1 while something is wrong; /status says what", health.reasons.length > 0 ? 1 : 0);
  const present = new Set(health.reasons.map(({ code }) => code));
  const reasons = "1 while this is a reason of being degraded, by its code in docs/runbook.md";
  for (const code of reasonCodes) add("wazuh_dfn_health_reason", reasons, Number(present.has(code)), { code });
  add("wazuh_dfn_uptime_seconds", "Seconds since the process started", uptimeSeconds);
  add("process_resident_memory_bytes", "Resident memory", process.rssBytes);
  add("process_open_fds", "Open file descriptors", process.openFiles);
}

function addLog({ log, checkpoint, manifests }: StatusSnapshot, add: Add): void {
  add("wazuh_dfn_tail_lag_bytes", "Bytes of the log that are not yet read, without compressed files", log?.lagBytes);
  add(
    "wazuh_dfn_tail_lag_compressed_files",
    "Compressed files of the log that are not yet read",
    log?.lagCompressedFiles,
  );
  add("wazuh_dfn_tail_lag_files", "Files of the log that are not begun yet, compressed or not", log?.lagFiles);
  add("wazuh_dfn_tail_lag_seconds", "Age of the newest alert read, while there is more to read", log?.lagSeconds);
  const damaged = "Archives that could not be decompressed to their end; /status names them";
  add("wazuh_dfn_tail_damaged_archives", damaged, log && (log.damagedArchives?.length ?? 0));
  add("wazuh_dfn_tail_offset_bytes", "Bytes read of the current file", log?.offset);
  const isWaiting = log === undefined ? undefined : Number(waitReasonOf(log.state) !== undefined);
  add("wazuh_dfn_tail_waiting", "1 while the log is missing or cannot be read", isWaiting);
  add(
    "wazuh_dfn_checkpoint_age_seconds",
    "Time since the checkpoint on disk was last up to date",
    checkpoint?.ageSeconds,
  );
  add("wazuh_dfn_manifest_sequence", "Number of the last manifest of the present stream", manifests?.sequence);
  add("wazuh_dfn_manifests_waiting", "Manifests that are not in their topic yet", manifests?.waiting);
  const undecided = "Records of an earlier process that are in no manifest yet, because their lines may still come by";
  add("wazuh_dfn_manifest_undecided_records", undecided, manifests?.undecided);
}

function addSink({ sink, certificates }: StatusSnapshot, add: Add): void {
  for (const { name, help, value } of sinkDefinition(sink).samples(sink)) add(name, help, value);
  for (const { setting, file, expiresAt } of certificates) {
    if (expiresAt === undefined) continue;
    const name = "wazuh_dfn_tls_certificate_expiry_timestamp_seconds";
    add(name, "When the certificates of a file expire", Date.parse(expiresAt) / 1000, { setting, file });
  }
}

function addStore({ deadLetters, feedback }: StatusSnapshot, add: Add): void {
  add("wazuh_dfn_dead_letters", "Entries in the dead-letter store", deadLetters.entries);
  add("wazuh_dfn_dead_letters_acknowledged", "Entries that somebody has acknowledged", deadLetters.acknowledged);
  const open = "Entries that are neither removed nor acknowledged: of alerts, and of lines of the socket that are not";
  add("wazuh_dfn_dead_letters_open", open, deadLetters.open.entries, { kind: "alert" });
  add("wazuh_dfn_dead_letters_open", open, deadLetters.openNonAlerts.entries, { kind: "not an alert" });
  add("wazuh_dfn_dead_letter_bytes", "Bytes of the dead-letter store", deadLetters.bytes);
  const givenUp = "Dead letters whose raw bytes were removed to make room";
  add("wazuh_dfn_dead_letters_raw_given_up_total", givenUp, deadLetters.rawGivenUp);
  const forgotten = "Dead letters that were not alerts and were removed to make room";
  add("wazuh_dfn_dead_letters_non_alerts_given_up_total", forgotten, deadLetters.nonAlertsGivenUp);
  add("wazuh_dfn_feedback_sent_total", "Feedback events that Wazuh took", feedback.sent);
  add("wazuh_dfn_feedback_dropped_total", "Feedback events that were dropped", feedback.dropped);
  add("wazuh_dfn_feedback_queued", "Feedback events that wait for Wazuh", feedback.queued);
}
