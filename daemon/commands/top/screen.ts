/** What `wazuh-dfn top` shows: a status as lines. */
import { grouped, rateText, shortCount, byteSize } from "../../telemetry/amounts.ts";
import { lasting } from "../../telemetry/lasting.ts";
import type { StatusView } from "../../page/status-view.ts";
import { manifestsText, openCausesOf, wayOf, type StatusLook } from "../../page/way.ts";
import { wrapped } from "./cells.ts";
import { printable } from "../../printable.ts";
import { keyHelp } from "./keys.ts";
import type { Style } from "../colour.ts";
import type { ScreenLine, Piece } from "./lines.ts";

/** Everything that a frame depends on. */
export interface TopView {
  /** The newest look; undefined before the first. */
  readonly now: StatusLook | undefined;
  readonly before: StatusLook | undefined;
  /** Why the last look failed, and how long ago the newest look was, in seconds; undefined if it did not fail. */
  readonly away: { readonly reason: string; readonly seconds: number } | undefined;
  readonly isPaused: boolean;
  readonly isHelpShown: boolean;
  /** By which column tables are sorted, counted on without an end; undefined as they come. */
  readonly sortColumn: number | undefined;
  readonly isReversed: boolean;
}

/** Wide enough for whole sentences, where nothing limits the width. */
const proseColumns = 100;
const narrowColumns = 80;

/** All lines of a frame. @param columns `Infinity` without a terminal @param wallMs milliseconds since 1970 */
export function frameOf(view: TopView, columns: number, wallMs: number): readonly ScreenLine[] {
  if (view.isHelpShown) return help();
  const { now, away } = view;
  const lines: ScreenLine[] = [];
  if (away !== undefined) lines.push(...awayLines(away, now !== undefined, columns));
  if (now === undefined) return lines;
  const { status } = now;
  return [
    ...lines,
    headLine(status, view, wallMs),
    ...reasonLines(status, columns, wallMs),
    [],
    ...wayLines(view, now, columns, wallMs),
    [],
    ...sourceLines(status, view, columns),
    ...causeLines(status, view),
    [],
    ...factLines(status, wallMs),
  ];
}

function help(): ScreenLine[] {
  const width = Math.max(...keyHelp.map(([keys]) => keys.length));
  return [
    [["wazuh-dfn top", "strong"]],
    [],
    ...keyHelp.map(([keys, what]): ScreenLine => [[keys.padEnd(width), "strong"], `  ${what}`]),
  ];
}

function prose(text: string, columns: number, indent: number, style?: Style): ScreenLine[] {
  const room = Math.min(columns, proseColumns) - indent;
  return wrapped(printable(text), room).map((line): ScreenLine => {
    const words = " ".repeat(indent) + line;
    return [style === undefined ? words : [words, style]];
  });
}

function awayLines({ reason, seconds }: NonNullable<TopView["away"]>, isKnown: boolean, columns: number): ScreenLine[] {
  const since = isKnown ? `what follows is ${lasting(seconds)} old` : "it is tried again every second";
  return [...prose(reason, columns, 0, "bad"), ...prose(since, columns, 2, "warn"), []];
}

function headLine(
  { health, version, pid, uptimeSeconds }: StatusView,
  { isPaused }: TopView,
  wallMs: number,
): ScreenLine {
  return [
    [health.state, health.state === "ok" ? "good" : "bad"],
    `: wazuh-dfn ${version}, process ${pid}, up ${lasting(uptimeSeconds)}, at ${clockText(wallMs)}`,
    ...(isPaused ? [" ", ["paused", "warn"] as const] : []),
  ];
}

/** Time of day of this machine. */
function clockText(wallMs: number): string {
  const at = new Date(wallMs);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}

function reasonLines({ health }: StatusView, columns: number, wallMs: number): ScreenLine[] {
  return health.reasons.flatMap(({ code, subject, text, remedy, since }) => [
    ...prose(
      `${code === undefined ? "" : `${code}: `}${subject}, for ${lasting((wallMs - Date.parse(since)) / 1000)}: ${text}`,
      columns,
      2,
      "bad",
    ),
    ...(remedy === "" ? [] : prose(remedy, columns, 4)),
  ]);
}

function wayLines({ before }: TopView, now: StatusLook, columns: number, wallMs: number): ScreenLine[] {
  const isNarrow = columns < narrowColumns;
  const count = isNarrow ? shortCount : grouped;
  const cell = isNarrow ? 7 : 14;
  const head: ScreenLine = [
    [`${"STEP".padEnd(12)}${"ALERTS".padStart(cell)}${"A SECOND".padStart(isNarrow ? 9 : 10)}`, "head"],
  ];
  return [
    head,
    ...wayOf(now, before, wallMs).map(({ title, count: alerts, perSecond, note, isBad }): ScreenLine => {
      const rate = perSecond === undefined ? "" : isNarrow ? shortCount(perSecond) : rateText(perSecond);
      const figures = `${count(alerts).padStart(cell)}${rate.padStart(isNarrow ? 9 : 10)}`;
      return [
        isBad ? [title.padEnd(12), "bad"] : title.padEnd(12),
        [figures, alerts > 0 ? "strong" : "faint"],
        note === "" ? "" : `  ${note}`,
      ];
    }),
  ];
}

interface Table {
  readonly heads: readonly string[];
  /** The first cell of a row is its name. */
  readonly rows: readonly (readonly (string | number)[])[];
}

/** By the chosen column: numbers from the greatest, texts from A. */
function sorted({ heads, rows }: Table, { sortColumn, isReversed }: TopView): Table["rows"] {
  if (sortColumn === undefined) return isReversed ? rows.toReversed() : rows;
  const column = sortColumn % heads.length;
  const ordered = rows.toSorted((a, b) => {
    const [one = "", other = ""] = [a[column], b[column]];
    if (typeof one === "number" && typeof other === "number") return other - one;
    return String(one) < String(other) ? -1 : 1;
  });
  return isReversed ? ordered.toReversed() : ordered;
}

function tableLines(table: Table, view: TopView, numbers: (count: number) => string): ScreenLine[] {
  const chosen = view.sortColumn === undefined ? undefined : view.sortColumn % table.heads.length;
  const heads = table.heads.map((head, column) => (column === chosen ? `${head}${view.isReversed ? "↑" : "↓"}` : head));
  const rows = sorted(table, view).map((row) =>
    row.map((cell) => (typeof cell === "number" ? numbers(cell) : printable(cell))),
  );
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return typeof table.rows[0]?.[column] === "number" ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ");
  return [[[line(heads), "head"]], ...rows.map((row): ScreenLine => [line(row)])];
}

function sourceLines({ sources }: StatusView, view: TopView, columns: number): ScreenLine[] {
  const isNarrow = columns < narrowColumns;
  const heads = isNarrow
    ? ["SOURCE", "READ", "IGN", "PAIR", "OPEN", "ACK", "DEAD"]
    : ["SOURCE", "READ", "IGNORED", "PAIRED", "IN FLIGHT", "ACKNOWLEDGED", "DEAD LETTERS"];
  const rows = Object.entries(sources).map(([name, counts]) => {
    const { read, ignored, paired, inFlight, acknowledged, deadLettered } = counts;
    return [name, read, ignored, paired, inFlight, acknowledged, deadLettered];
  });
  return tableLines({ heads, rows }, view, isNarrow ? shortCount : grouped);
}

function causeLines(status: StatusView, view: TopView): ScreenLine[] {
  const rows = openCausesOf(status).map(({ reason, handler, source, entries }) => [
    reason,
    handler ?? "-",
    source,
    entries,
  ]);
  if (rows.length === 0) return [];
  return [[], ...tableLines({ heads: ["DEAD LETTERS", "HANDLER", "SOURCE", "ENTRIES"], rows }, view, grouped)];
}

function factLines(status: StatusView, wallMs: number): ScreenLine[] {
  const { log, checkpoint, manifests, sink, certificates, feedback, deadLetters, process, events } = status;
  const facts: [name: string, text: string][] = [];
  if (log !== undefined) {
    const share = log.size === undefined || log.size === 0 ? "" : ` of ${grouped(log.size)}`;
    facts.push(["position", `${log.file}, byte ${grouped(log.offset)}${share}`]);
    for (const { file, offset } of log.damagedArchives ?? [])
      facts.push(["damaged", `${file}, read to byte ${grouped(offset)}`]);
  }
  if (checkpoint?.ageSeconds !== undefined)
    facts.push(["checkpoint", `up to date ${lasting(checkpoint.ageSeconds)} ago`]);
  if (manifests !== undefined) facts.push(["manifests", manifestsText(manifests)]);
  if ((sink.connected?.length ?? 0) > 0) facts.push(["brokers", sink.connected?.join(", ") ?? ""]);
  for (const { topic, partition, broker, waitsFor, seconds } of sink.lookups ?? [])
    facts.push([
      "looking up",
      `${topic}/${partition}, has waited ${lasting(seconds)} for ${waitsFor}, broker ${broker}`,
    ]);
  if (sink.lastError !== undefined)
    facts.push(["last error", `${lasting((wallMs - sink.lastError.since) / 1000)} ago: ${sink.lastError.text}`]);
  for (const { file, daysLeft } of certificates)
    if (daysLeft !== undefined) facts.push(["certificate", `${file}, ${daysLeft} days left`]);
  for (const [reason, count] of Object.entries(events.leftOut))
    if (count > 0) facts.push(["left out", `${grouped(count)} alerts (${reason}), see wazuh-dfn doctor`]);
  facts.push(
    [
      "feedback",
      `${grouped(feedback.sent)} sent, ${grouped(feedback.queued)} waiting, ${grouped(feedback.dropped)} dropped`,
    ],
    ["store", `${grouped(deadLetters.entries)} dead letters, ${byteSize(deadLetters.bytes)}`],
    ["memory", byteSize(process.rssBytes)],
  );
  return facts.map(([name, text]): ScreenLine => {
    const label: Piece = [name.padEnd(12), "faint"];
    return [label, text];
  });
}
