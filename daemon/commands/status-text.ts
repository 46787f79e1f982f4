import { manifestsText } from "../page/way.ts";
import type { StatusSnapshot } from "../status/facts.ts";
import { waitReasonOf, type TailStatus } from "../sources/tail/status.ts";
import { printable } from "../printable.ts";
import { styled } from "./colour.ts";
import { sinkDefinition } from "../sink-kinds/registry.ts";
import { byteSize } from "../telemetry/amounts.ts";
import { lasting } from "../telemetry/lasting.ts";

/**
 * The status for people, ending with a newline.
 * @param nowMs       milliseconds since 1970
 * @param isColoured  with what colours it on a terminal
 */
export function statusSummary(snapshot: StatusSnapshot, nowMs: number, isColoured = false): string {
  const [state = "", ...reasons] = health(snapshot, nowMs).map(printable);
  const shown = isColoured ? [colouredState(state), ...reasons.map(colouredReason)] : [state, ...reasons];
  const parts = [shown, sources(snapshot).map(printable), facts(snapshot, nowMs).map(printable)];
  return `${parts.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function colouredState(line: string): string {
  const word = /^\w+/.exec(line)?.[0] ?? "";
  return styled(word, word === "ok" ? "good" : "bad") + line.slice(word.length);
}

/** A remedy stays as it is. */
function colouredReason(line: string): string {
  return line.startsWith("    ") ? line : styled(line, "bad");
}

function health({ health, version, pid, uptimeSeconds }: StatusSnapshot, nowMs: number): string[] {
  const lines = [`${health.state}: wazuh-dfn ${version}, process ${pid}, up ${lasting(uptimeSeconds)}`];
  for (const { code, subject, text, remedy, since } of health.reasons) {
    // A forwarder that was started before an update does not name codes.
    const kind = code === undefined ? "" : ` [${code}]`;
    lines.push(`  ${subject}${kind}, for ${lasting((nowMs - Date.parse(since)) / 1000)}: ${text}`);
    if (remedy !== "") lines.push(`    ${remedy}`);
  }
  return lines;
}

function sources({ sources }: StatusSnapshot): string[] {
  const heads = ["SOURCE", "READ", "IGNORED", "PAIRED", "IN FLIGHT", "ACKNOWLEDGED", "DEAD LETTERS"];
  const rows = Object.entries(sources).map(([name, counts]) => {
    const { read, ignored, paired, inFlight, acknowledged, deadLettered } = counts;
    return [name, ...[read, ignored, paired, inFlight, acknowledged, deadLettered].map(String)];
  });
  return [heads, ...rows].map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(8) : cell.padStart(13))).join(""),
  );
}

function facts(snapshot: StatusSnapshot, nowMs: number): string[] {
  const { queue, socket, events, log, checkpoint, manifests, sink, certificates, feedback, deadLetters, process } =
    snapshot;
  const lines: [string, string][] = [];
  if (log !== undefined) {
    lines.push(["log", log.state], ["position", `${log.file}, byte ${log.offset}`], ["behind", behind(log)]);
    for (const { file, offset } of log.damagedArchives ?? [])
      lines.push(["damaged", `${file}, read to byte ${offset}`]);
  }
  const age = checkpoint?.ageSeconds;
  if (age !== undefined) lines.push(["checkpoint", `up to date ${lasting(age)} ago`]);
  if (manifests !== undefined) lines.push(["manifests", manifestsText(manifests)]);
  lines.push(["queue", `${queue.alerts} alerts, ${byteSize(queue.bytes)} of ${byteSize(queue.limitBytes)}`]);
  if (socket !== undefined) {
    lines.push(["socket", `${socket.refused} connections refused, ${socket.contradicted} copies unlike the log`]);
  }
  const leftOut = Object.entries(events.leftOut).filter(([, count]) => count > 0);
  for (const [reason, count] of leftOut) lines.push(["left out", `${count} alerts (${reason}), see wazuh-dfn doctor`]);
  for (const [name, text] of sinkDefinition(sink).summary(sink, nowMs)) lines.push([name, text]);
  for (const { file, expiresAt, daysLeft } of certificates) {
    if (daysLeft !== undefined) lines.push(["certificate", `${file}, ${daysLeft} days left, until ${expiresAt ?? ""}`]);
  }
  lines.push(["feedback", `${feedback.sent} sent, ${feedback.queued} waiting, ${feedback.dropped} dropped`]);
  lines.push(["dead letters", store(deadLetters)]);
  lines.push(["memory", byteSize(process.rssBytes)]);
  return lines.map(([name, text]) => `${name.padEnd(13)} ${text}`);
}

function behind({ state, lagBytes, lagCompressedFiles, lagSeconds }: TailStatus): string {
  if (waitReasonOf(state) !== undefined) return "unknown while the log cannot be read";
  if (lagBytes === undefined) return "not yet known";
  const files = lagCompressedFiles > 0 ? ` and ${lagCompressedFiles} compressed files` : "";
  return `${byteSize(lagBytes)}${files}${lagSeconds === undefined ? "" : `, ${lasting(lagSeconds)}`}`;
}

function store({ entries, acknowledged, bytes: size }: StatusSnapshot["deadLetters"]): string {
  const known = acknowledged === undefined || acknowledged === 0 ? "" : ` (${acknowledged} acknowledged)`;
  if (entries !== 0) return `${entries} in the store${known}, ${byteSize(size)}`;
  return size === 0 ? "none" : `none in the store; removed ones still take ${byteSize(size)} on disk`;
}
