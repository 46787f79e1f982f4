/** Everything on the page but the picture and the curves. */
import { byteSize, grouped } from "../../telemetry/amounts.ts";
import { lasting } from "../../telemetry/lasting.ts";
import type { ReasonView, StatusView } from "../status-view.ts";
import { openCausesOf, manifestsText } from "../way.ts";
import { byId, html, show, showTable, showTerms } from "./dom.ts";

/** @param wallMs milliseconds since 1970 */
export function showSections(status: StatusView, wallMs: number): void {
  showReasons(status.health.reasons, wallMs);
  showFiles(status);
  showSink(status, wallMs);
  showLetters(status);
  showMore(status);
}

function showReasons(reasons: readonly ReasonView[], wallMs: number): void {
  const shown = reasons.map(({ code, subject, text, remedy, since }) => ({
    name: code === undefined || code === subject ? subject : `${code}: ${subject}`,
    since: `for ${lasting((wallMs - Date.parse(since)) / 1000)}`,
    text,
    remedy,
  }));
  show(byId("reasons"), shown, () => {
    if (shown.length === 0) return [html("li", { class: "good" }, "Nothing is wrong.")];
    return shown.map(({ name, since, text, remedy }) =>
      html(
        "li",
        { class: "wrong" },
        html("p", {}, html("strong", {}, name), ` ${since}`),
        html("p", {}, text),
        ...(remedy === "" ? [] : [html("p", {}, html("strong", {}, "What to do: "), remedy)]),
      ),
    );
  });
}

function showFiles({ log, checkpoint, manifests }: StatusView): void {
  const at = byId("files");
  if (log === undefined) {
    show(at, undefined, () => [html("p", {}, "alerts.json is not read: sources.tail is off, or it is not yet known.")]);
    return;
  }
  const { state, file, offset, size, lagBytes, lagCompressedFiles, lagSeconds, damagedArchives = [] } = log;
  const lag = [
    ...(lagBytes === undefined ? ["not known"] : [byteSize(lagBytes)]),
    ...(lagCompressedFiles > 0 ? [`${grouped(lagCompressedFiles)} compressed files`] : []),
    ...(lagSeconds === undefined ? [] : [lasting(lagSeconds)]),
  ].join(", ");
  const terms: (readonly [string, string])[] = [
    ["file", file],
    ["state", state],
    ["position", size === undefined ? `byte ${grouped(offset)}` : `byte ${grouped(offset)} of ${grouped(size)}`],
    ["behind", lag],
  ];
  if (checkpoint?.ageSeconds !== undefined)
    terms.push(["checkpoint", `up to date ${lasting(checkpoint.ageSeconds)} ago`]);
  if (checkpoint?.trouble !== undefined) terms.push(["checkpoint", checkpoint.trouble]);
  if (manifests !== undefined) terms.push(["manifests", manifestsText(manifests)]);
  for (const damaged of damagedArchives)
    terms.push(["damaged", `${damaged.file}, read to byte ${grouped(damaged.offset)}`]);
  show(at, [terms, offset, size], () => {
    const list = html("dl");
    showTerms(list, terms);
    if (size === undefined) return [list];
    const bar = html("progress", {
      max: Math.max(1, size),
      value: Math.min(offset, size),
      "aria-label": "Read of the present file",
    });
    // An empty file is read to its end.
    if (size === 0) bar.setAttribute("value", "1");
    return [bar, list];
  });
}

function showSink({ sink }: StatusView, wallMs: number): void {
  const terms: (readonly [string, string])[] = [["kind", sink.kind === "kafka" ? "Kafka" : sink.kind]];
  if (sink.trouble !== undefined) terms.push(["trouble", sink.trouble]);
  if (sink.connected !== undefined)
    terms.push(["brokers", sink.connected.length === 0 ? "none connected" : sink.connected.join(", ")]);
  if (sink.waitingBatches !== undefined) terms.push(["batches that wait", grouped(sink.waitingBatches)]);
  if (sink.lastAcknowledgedAt !== undefined)
    terms.push(["acknowledged", `last ${lasting((wallMs - sink.lastAcknowledgedAt) / 1000)} ago`]);
  if (sink.latency !== undefined)
    terms.push(["acknowledgement", `half within ${sink.latency.p50Ms} ms, 99 % within ${sink.latency.p99Ms} ms`]);
  for (const { topic, partition, broker, waitsFor, seconds } of sink.lookups ?? [])
    terms.push([
      "looking up",
      `${topic}/${partition}, has waited ${lasting(seconds)} for ${waitsFor}, broker ${broker}`,
    ]);
  if (sink.lastError !== undefined)
    terms.push(["last error", `${lasting((wallMs - sink.lastError.since) / 1000)} ago: ${sink.lastError.text}`]);
  showTerms(byId("sink"), terms);
  const { partitions = [] } = sink;
  showTable(
    "partitions",
    partitions.map(({ topic, partition, leader, waitingBatches }) => [
      topic,
      partition,
      leader ?? "none",
      waitingBatches,
    ]),
  );
}

function showLetters(status: StatusView): void {
  const { entries, bytes, acknowledged = 0 } = status.deadLetters;
  const rest =
    entries === 0
      ? "The store is empty."
      : `${grouped(entries)} in the store (${grouped(acknowledged)} acknowledged), ${byteSize(bytes)}.`;
  show(byId("store"), rest, () => [rest]);
  showTable(
    "causes",
    openCausesOf(status).map(({ reason, handler, source, entries: count }) => [
      reason,
      handler ?? "none",
      source,
      count,
    ]),
  );
}

function showMore({ queue, pairingWindow, socket, feedback, certificates, process, events }: StatusView): void {
  const terms: (readonly [string, string])[] = [
    ["in flight", `${grouped(queue.alerts)} alerts, ${byteSize(queue.bytes)} of ${byteSize(queue.limitBytes)}`],
  ];
  if (pairingWindow !== undefined) terms.push(["pairing", `alerts remembered: ${grouped(pairingWindow)}`]);
  if (socket !== undefined)
    terms.push([
      "socket",
      `${grouped(socket.refused)} connections refused, ${grouped(socket.contradicted)} copies unlike the log`,
    ]);
  for (const [reason, count] of Object.entries(events.leftOut))
    if (count > 0) terms.push(["left out", `${grouped(count)} alerts (${reason}), see wazuh-dfn doctor`]);
  for (const { file, daysLeft, expiresAt } of certificates)
    if (daysLeft !== undefined) terms.push(["certificate", `${file}, ${daysLeft} days left, until ${expiresAt ?? ""}`]);
  terms.push(
    [
      "feedback",
      `${grouped(feedback.sent)} sent, ${grouped(feedback.queued)} waiting, ${grouped(feedback.dropped)} dropped`,
    ],
    ["memory", byteSize(process.rssBytes)],
  );
  showTerms(byId("more"), terms);
}
