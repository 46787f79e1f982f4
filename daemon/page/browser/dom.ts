/** Making elements. Text is only ever set as text: nothing here, or that uses it, parses HTML. */
import { grouped } from "../../telemetry/amounts.ts";

type Attributes = Readonly<Record<string, string | number>>;

/** @throws Error when the frame has no such element */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element ${id}`);
  return found;
}

function filled<E extends Element>(made: E, attributes: Attributes, children: readonly (Node | string)[]): E {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

export function html(name: string, attributes: Attributes = {}, ...children: readonly (Node | string)[]): HTMLElement {
  return filled(document.createElement(name), attributes, children);
}

export function svg(name: string, attributes: Attributes = {}, ...children: readonly (Node | string)[]): SVGElement {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

const shown = new WeakMap<Element, string>();

/**
 * Makes these the children of an element, unless it already shows the same: who has selected text, or reads it with a
 * screen reader, is not disturbed each second.
 * @param value what the children are made from
 */
export function show(at: Element, value: unknown, make: () => readonly (Node | string)[]): void {
  const key = JSON.stringify(value);
  if (shown.get(at) === key) return;
  shown.set(at, key);
  at.replaceChildren(...make());
}

/** Terms and what they mean, in a `dl`. */
export function showTerms(at: Element, terms: readonly (readonly [term: string, text: string])[]): void {
  show(at, terms, () => terms.flatMap(([term, text]) => [html("dt", {}, term), html("dd", {}, text)]));
}

/** Rows of a table's body. Numbers are to the right; the first cell names the row. */
export function showRows(
  at: Element,
  rows: readonly (readonly (string | number)[])[],
  text: (n: number) => string,
): void {
  show(at, rows, () =>
    rows.map((row) =>
      html(
        "tr",
        {},
        ...row.map((cell, column) => {
          if (typeof cell === "number") return html("td", { class: "number" }, text(cell));
          return column === 0 ? html("th", { scope: "row" }, cell) : html("td", {}, cell);
        }),
      ),
    ),
  );
}

/** The rows of a table, by the id of its body; without any the table is not shown. */
export function showTable(id: string, rows: readonly (readonly (string | number)[])[]): void {
  const body = byId(id);
  showRows(body, rows, grouped);
  body.closest(".scroll")?.toggleAttribute("hidden", rows.length === 0);
}
