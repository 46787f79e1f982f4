/** The curves of the last hour. */
import { byteSize, rateText } from "../../telemetry/amounts.ts";
import { lasting } from "../../telemetry/lasting.ts";
import type { HistoryView } from "../history-view.ts";
import { html, show, svg } from "./dom.ts";

interface Kind {
  readonly name: keyof HistoryView["curves"];
  readonly title: string;
  readonly text: (value: number) => string;
}

const aSecond = (value: number): string => `${rateText(value)} a second`;

const kinds: readonly Kind[] = [
  { name: "readPerSecond", title: "Alerts read", text: aSecond },
  { name: "relevantPerSecond", title: "Relevant alerts", text: aSecond },
  { name: "acknowledgedPerSecond", title: "Acknowledged alerts", text: aSecond },
  { name: "deadLetteredPerSecond", title: "Dead letters", text: aSecond },
  { name: "lagSeconds", title: "Behind alerts.json", text: lasting },
  { name: "lagBytes", title: "Not yet read", text: byteSize },
  { name: "queueBytes", title: "In flight", text: byteSize },
  { name: "memoryBytes", title: "Memory", text: byteSize },
];

/** Of the drawing, which is stretched to its place. */
const size = { width: 360, height: 72 };
/** Points of an hour, at one every ten seconds. */
const hourPoints = 360;

export function showCurves(at: Element, history: HistoryView): void {
  show(at, history.curves, () => kinds.map((kind) => curveFigure(kind, history.curves[kind.name])));
}

function curveFigure({ title, text }: Kind, points: readonly (number | null)[]): HTMLElement {
  const known = points.filter((point) => point !== null);
  const newest = points.at(-1) ?? undefined;
  const now = newest === undefined ? "not known yet" : text(newest);
  const most = Math.max(0, ...known);
  const summary = known.length === 0 ? now : `now ${now}, most ${text(most)}`;
  const drawing = svg("svg", {
    viewBox: `0 0 ${size.width} ${size.height}`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": `${title} in the last hour: ${summary}`,
  });
  const { line, area } = curvePath(points, most);
  drawing.append(svg("path", { class: "area", d: area }), svg("path", { class: "curve", d: line }));
  return html(
    "figure",
    {},
    html("figcaption", {}, html("span", {}, title), html("span", { class: "faint" }, summary)),
    drawing,
  );
}

/** The newest point is at the right edge; where nothing is known there is a gap. */
export function curvePath(
  points: readonly (number | null)[],
  most: number,
): { readonly line: string; readonly area: string } {
  const step = size.width / (hourPoints - 1);
  const left = size.width - (points.length - 1) * step;
  const xOf = (index: number): number => Math.round((left + index * step) * 10) / 10;
  const yOf = (value: number): number =>
    Math.round((size.height - 2 - (most > 0 ? value / most : 0) * (size.height - 6)) * 10) / 10;
  let line = "";
  let area = "";
  let begin: number | undefined;
  for (let index = 0; index <= points.length; index++) {
    const value = points[index] ?? undefined;
    if (value !== undefined) {
      const place = `${xOf(index)} ${yOf(value)}`;
      line += begin === undefined ? `M${place}` : `L${place}`;
      area += begin === undefined ? `M${xOf(index)} ${size.height}L${place}` : `L${place}`;
      begin ??= index;
    } else if (begin !== undefined) {
      // A single point would be nothing without a length.
      if (begin === index - 1) line += "h0.1";
      area += `L${xOf(index - 1)} ${size.height}Z`;
      begin = undefined;
    }
  }
  return { line, area };
}
