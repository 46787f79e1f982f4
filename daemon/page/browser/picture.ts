/** The way of an alert, drawn. */
import { grouped, rateText } from "../../telemetry/amounts.ts";
import type { Step } from "../way.ts";
import { showRows, svg } from "./dom.ts";
import { type Box, pictureOf } from "./layout.ts";

/** Of the smallest text, on average; a longer line is cut in the picture, and whole in the table. */
const charWidth = 6.4;
const maxLines = 3;
const padding = 10;

/** @param picture the SVG @param table body of the table with the same figures */
export function showWay(picture: Element, table: Element, steps: readonly Step[]): void {
  const rows = steps.map(({ title, count, perSecond, note }) => [
    title,
    count,
    perSecond === undefined ? "" : rateText(perSecond),
    note,
  ]);
  showRows(table, rows, grouped);
  const width = Math.max(200, picture.clientWidth);
  const { boxes, arrows, height } = pictureOf(
    steps.map(({ name }) => name),
    width,
  );
  picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
  picture.setAttribute("height", String(height));
  const head = svg("path", { class: "head", d: "M0 0L8 4L0 8Z" });
  const marker = svg("marker", { id: "head", markerWidth: 8, markerHeight: 8, refX: 8, refY: 4, orient: "auto" }, head);
  marker.setAttribute("markerUnits", "userSpaceOnUse");
  picture.replaceChildren(
    svg("defs", {}, marker),
    ...arrows.map((d) => svg("path", { class: "arrow", d, "marker-end": "url(#head)" })),
    ...boxes.flatMap((box) => {
      const step = steps.find(({ name }) => name === box.name);
      return step === undefined ? [] : [stepBox(step, box)];
    }),
  );
}

function stepBox({ title, count, perSecond, note, isBad }: Step, box: Box): SVGElement {
  const { x, y, width, height, isFlat } = box;
  const text = (words: string, kind: string, left: number, top: number, anchor = "start"): SVGElement =>
    svg("text", { class: kind, x: x + left, y: y + top, "text-anchor": anchor }, words);
  const rate = perSecond === undefined ? "" : `${rateText(perSecond)} a second`;
  const right = width - padding;
  const figures = isFlat
    ? [text(grouped(count), "count", right, 24, "end"), text(rate, "rate", right, 42, "end")]
    : [text(grouped(count), "count", padding, 46), text(rate, "rate", padding, 64)];
  const top = isFlat ? 42 : 82;
  const room = Math.floor((width - 2 * padding - (isFlat ? 90 : 0)) / charWidth);
  return svg(
    "g",
    {},
    svg("title", {}, note === "" ? title : `${title}: ${note}`),
    svg("rect", { class: isBad ? "box wrong" : "box", x, y, width, height, rx: 6 }),
    text(isBad ? `⚠ ${title}` : title, "title", padding, 21),
    ...figures,
    ...noteLines(note, room).map((line, index) => text(line, "note", padding, top + index * 15)),
  );
}

/** At most three lines; what does not fit is cut. */
function noteLines(note: string, columns: number): readonly string[] {
  const lines: string[] = [];
  let left = note;
  while (left !== "" && lines.length < maxLines) {
    const isLast = lines.length === maxLines - 1;
    if (left.length <= columns || isLast) {
      lines.push(left.length <= columns ? left : `${left.slice(0, Math.max(1, columns - 1))}…`);
      break;
    }
    const blank = left.lastIndexOf(" ", columns);
    const end = blank > 0 ? blank : columns;
    lines.push(left.slice(0, end));
    left = left.slice(end).trimStart();
  }
  return lines;
}
