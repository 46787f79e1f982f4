/** A whole terminal: its second screen, keys as they are typed, and its size. */
import type { ReadStream, WriteStream } from "node:tty";
import { actionsOf, type Action } from "./keys.ts";

const esc = "\u001b[";
/** The second screen, without a cursor and without a new line behind a full one (DECSET 1049, 25, 7). */
const enterScreen = `${esc}?1049h${esc}?25l${esc}?7l${esc}H${esc}2J`;
const leaveScreen = `${esc}?7h${esc}?25h${esc}?1049l`;
/** To the end of a line, and of the screen. */
const clearLine = `${esc}K`;
const clearBelow = `${esc}J`;

export interface TerminalEvents {
  readonly acted: (action: Exclude<Action, "suspend">) => void;
  /** The window has another size, or what it showed is gone. */
  readonly resized: () => void;
}

/**
 * Takes the terminal over until it is disposed, which leaves it as it was. Ctrl-Z and a signal that ends the process do so
 * too. A key is an action of `events`.
 */
export class WholeTerminal implements Disposable {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #events: TerminalEvents;
  readonly #typed = (bytes: Buffer): void => {
    for (const action of actionsOf(bytes.toString("latin1"))) {
      if (action === "suspend") this.#suspend();
      else this.#events.acted(action);
    }
  };
  readonly #quit = (): void => this.#events.acted("quit");
  readonly #resized = (): void => this.#events.resized();
  readonly #continued = (): void => {
    if (this.#isTaken) return;
    this.#enter();
    this.#events.resized();
  };
  #isTaken = false;

  constructor(input: ReadStream, output: WriteStream, events: TerminalEvents) {
    this.#input = input;
    this.#output = output;
    this.#events = events;
    input.on("data", this.#typed);
    // The terminal is gone.
    input.on("end", this.#quit);
    input.on("error", this.#quit);
    output.on("resize", this.#resized);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, this.#quit);
    process.on("SIGCONT", this.#continued);
    this.#enter();
  }

  /** Columns and rows of the window; some terminals say 0 for what they do not know. */
  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.#output.columns || 80, rows: this.#output.rows || 24 };
  }

  /** Shows lines that are not wider than the window; those beyond its rows are left out. */
  draw(lines: readonly string[]): void {
    // A terminal that takes nothing gets no second frame into memory.
    if (this.#output.writableNeedDrain) return;
    const shown = lines.slice(0, this.size.rows);
    const text = shown.map((line) => `${line}${clearLine}`).join("\r\n");
    this.#output.write(`${esc}H${text}${shown.length < this.size.rows ? `\r\n${clearBelow}` : ""}`);
  }

  [Symbol.dispose](): void {
    this.#input.off("data", this.#typed).off("end", this.#quit).off("error", this.#quit);
    this.#output.off("resize", this.#resized);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, this.#quit);
    process.off("SIGCONT", this.#continued);
    this.#leave();
  }

  #enter(): void {
    this.#isTaken = true;
    this.#input.setRawMode(true);
    this.#input.resume();
    this.#output.write(enterScreen);
  }

  #leave(): void {
    if (!this.#isTaken) return;
    this.#isTaken = false;
    this.#output.write(leaveScreen);
    this.#input.setRawMode(false);
    // Else waiting for keys would keep the process from ending.
    this.#input.pause();
  }

  #suspend(): void {
    this.#leave();
    process.kill(0, "SIGTSTP");
    // Without a shell that could continue it, the signal does nothing.
    setImmediate(this.#continued);
  }
}
