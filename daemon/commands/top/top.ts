import { ReadStream, WriteStream } from "node:tty";
import { statusAddressOf } from "../../config/status-address.ts";
import { monotonicMs } from "../../clock.ts";
import { DfnError } from "../../errors.ts";
import { becomeOwnerOf } from "../../state/owner.ts";
import { configOptions, configOptionsHelp, loadConfig, parseCommandLine, type Command, type Io } from "../command.ts";
import { isCapable, isColoured } from "../colour.ts";
import { askStatus } from "../status-client.ts";
import type { StatusLook } from "../../page/way.ts";
import type { Action } from "./keys.ts";
import { lineText, type ScreenLine } from "./lines.ts";
import { frameOf, type TopView } from "./screen.ts";
import { WholeTerminal } from "./terminal.ts";

/** How long a forwarder may take for an answer, in milliseconds. */
const patienceMs = 3000;
/** The forwarder answers, and something is wrong. */
const degradedCode = 1;
const intervals = { least: 0.2, most: 3600 };

export const top: Command = {
  name: "top",
  summary: "shows live what the running forwarder does, in a terminal",
  usage: `Shows live what the running forwarder does: health with reasons and remedies,
the way of an alert with counts and rates, sources, dead letters by cause.
Keys: q quits, p pauses, s sorts, r reverses, h shows all of them. Without a
terminal it prints one frame, with rates over one interval, and ends.

Usage: wazuh-dfn top [--config FILE] [--set NAME=VALUE]... [--interval SECONDS]

${configOptionsHelp}  --interval SECONDS  time between two looks, ${intervals.least} to ${intervals.most}; default 1

Exit code: on a terminal 0. Without one as wazuh-dfn status: 0 healthy; 1 degraded;
69 if no forwarder answers on status.listen.
`,
  async run(args, io) {
    const { values } = parseCommandLine(top, args, { ...configOptions, interval: { type: "string", default: "1" } });
    const intervalMs = readInterval(values.interval);
    const config = loadConfig(values, io);
    becomeOwnerOf(config.stateDir);
    const address = statusAddressOf(config);
    const look = async (signal?: AbortSignal): Promise<StatusLook> => ({
      status: await askStatus(address, patienceMs, signal),
      atMs: monotonicMs(),
    });
    const terminal = terminalOf(io);
    if (terminal === undefined) return printOnce(io, look, intervalMs);
    await new Live(terminal, look, intervalMs).run();
    return 0;
  },
};

/** @returns milliseconds @throws DfnError USAGE */
function readInterval(written: string): number {
  const seconds = /^\d+(?:\.\d+)?$/.test(written) ? Number(written) : Number.NaN;
  if (seconds >= intervals.least && seconds <= intervals.most) return seconds * 1000;
  const what = `--interval ${written}: use a number of seconds from ${intervals.least} to ${intervals.most}`;
  throw new DfnError("USAGE", `top: ${what}`);
}

interface TerminalStreams {
  readonly input: ReadStream;
  readonly output: WriteStream;
  readonly isColoured: boolean;
}

/** Both streams, if each is a terminal that can do more than print. */
function terminalOf(io: Io): TerminalStreams | undefined {
  const { stdout } = io;
  const { stdin } = process;
  if (!isCapable(io) || !(stdout instanceof WriteStream) || !(stdin instanceof ReadStream)) return undefined;
  return { input: stdin, output: stdout, isColoured: isColoured(io) };
}

const nothingChosen = { isPaused: false, isHelpShown: false, sortColumn: undefined, isReversed: false } as const;

/** @returns the exit code @throws DfnError UNAVAILABLE if no forwarder answers */
async function printOnce({ stdout }: Io, look: () => Promise<StatusLook>, intervalMs: number): Promise<number> {
  const before = await look();
  await new Promise((resolve) => setTimeout(resolve, intervalMs));
  const now = await look();
  const view: TopView = { ...nothingChosen, now, before, away: undefined };
  const columns = Number.POSITIVE_INFINITY;
  for (const line of frameOf(view, columns, Date.now())) {
    stdout.write(`${lineText(line, { columns, isColoured: false }).trimEnd()}\n`);
  }
  return now.status.health.state === "ok" ? 0 : degradedCode;
}

/** The display on a terminal, until somebody quits. */
class Live {
  readonly #streams: TerminalStreams;
  readonly #look: (signal: AbortSignal) => Promise<StatusLook>;
  readonly #intervalMs: number;
  readonly #quit = new AbortController();
  #view: TopView = { ...nothingChosen, now: undefined, before: undefined, away: undefined };
  /** When the time of day was that the frame shows; it stays while it is paused. */
  #shownMs = Date.now();
  #firstLine = 0;

  constructor(streams: TerminalStreams, look: (signal: AbortSignal) => Promise<StatusLook>, intervalMs: number) {
    this.#streams = streams;
    this.#look = look;
    this.#intervalMs = intervalMs;
  }

  async run(): Promise<void> {
    const { input, output } = this.#streams;
    const { signal } = this.#quit;
    using terminal = new WholeTerminal(input, output, {
      acted: (action) => {
        this.#act(action, terminal);
        this.#draw(terminal);
      },
      resized: () => this.#draw(terminal),
    });
    while (!signal.aborted) {
      if (!this.#view.isPaused) await this.#update(signal);
      this.#draw(terminal);
      await pauseUnless(signal, this.#intervalMs);
    }
  }

  async #update(signal: AbortSignal): Promise<void> {
    let found: StatusLook;
    // One for each look: what is made from a signal may be kept as long as it.
    const asking = new AbortController();
    const end = (): void => asking.abort();
    signal.addEventListener("abort", end);
    try {
      found = await this.#look(asking.signal);
    } catch (reason) {
      // Without a forwarder this goes on; whatever else it is ends it.
      if (signal.aborted) return;
      if (!(reason instanceof DfnError)) throw reason;
      const seconds = (monotonicMs() - (this.#view.now?.atMs ?? monotonicMs())) / 1000;
      this.#view = { ...this.#view, away: { reason: reason.message, seconds } };
      return;
    } finally {
      signal.removeEventListener("abort", end);
    }
    // Whoever paused it meanwhile wants to see what was there.
    if (this.#view.isPaused) return;
    this.#shownMs = Date.now();
    this.#view = { ...this.#view, before: this.#view.now, now: found, away: undefined };
  }

  #act(action: Exclude<Action, "suspend">, { size }: WholeTerminal): void {
    const view = this.#view;
    const page = Math.max(1, size.rows - 2);
    switch (action) {
      case "quit":
        this.#quit.abort();
        break;
      case "pause":
        this.#view = { ...view, isPaused: !view.isPaused };
        break;
      case "sort":
        this.#view = { ...view, sortColumn: (view.sortColumn ?? -1) + 1 };
        break;
      case "reverse":
        this.#view = { ...view, isReversed: !view.isReversed };
        break;
      case "help":
        this.#view = { ...view, isHelpShown: !view.isHelpShown };
        this.#firstLine = 0;
        break;
      case "up":
        this.#firstLine -= 1;
        break;
      case "down":
        this.#firstLine += 1;
        break;
      case "pageUp":
        this.#firstLine -= page;
        break;
      case "pageDown":
        this.#firstLine += page;
        break;
    }
  }

  #draw(terminal: WholeTerminal): void {
    if (this.#quit.signal.aborted) return;
    const { columns, rows } = terminal.size;
    const form = { columns, isColoured: this.#streams.isColoured };
    const all = frameOf(this.#view, columns, this.#shownMs);
    const room = Math.max(1, rows - 1);
    this.#firstLine = Math.max(0, Math.min(this.#firstLine, all.length - room));
    const shown = all.slice(this.#firstLine, this.#firstLine + room);
    const blank: ScreenLine = [];
    const filled = [...shown, ...Array.from({ length: room - shown.length }, () => blank)];
    const more = all.length > room ? `  ${this.#firstLine + shown.length}/${all.length} j k` : "";
    const foot: ScreenLine = [[`q quit  p pause  s sort  r reverse  h help${more}`, "head"]];
    terminal.draw([...filled, foot].slice(0, rows).map((line) => lineText(line, form)));
  }
}

/** Resolves after that time, or at once when the signal comes. */
function pauseUnless(signal: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
