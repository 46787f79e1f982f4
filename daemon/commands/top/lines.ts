/** Lines for a terminal: pieces of text with a style each. Every text becomes printable here, and nowhere else. */
import { printable } from "../../printable.ts";
import { styled, type Style } from "../colour.ts";
import { fitting } from "./cells.ts";

/** A text with its style; without one as the terminal has it. */
export type Piece = string | readonly [text: string, style: Style];
export type ScreenLine = readonly Piece[];

export interface ScreenForm {
  /** Columns, beyond which a line is cut; `Infinity` for none. */
  readonly columns: number;
  readonly isColoured: boolean;
}

/** One line as it goes to the terminal, without its end. */
export function lineText(line: ScreenLine, { columns, isColoured }: ScreenForm): string {
  let left = columns;
  let text = "";
  for (const piece of line) {
    const [words, style] = typeof piece === "string" ? [piece, undefined] : piece;
    const fit = fitting(printable(words), left);
    left -= fit.columns;
    text += isColoured && style !== undefined ? styled(fit.text, style) : fit.text;
  }
  return text;
}
