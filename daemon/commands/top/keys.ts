/** What the keys of `wazuh-dfn top` do. */
export type Action = "quit" | "suspend" | "pause" | "sort" | "reverse" | "help" | "up" | "down" | "pageUp" | "pageDown";

const actions: Readonly<Record<string, Action>> = {
  q: "quit",
  Q: "quit",
  "\u0003": "quit", // Ctrl-C: in raw mode the terminal makes no signal of it
  "\u0004": "quit", // Ctrl-D
  "\u001a": "suspend", // Ctrl-Z
  p: "pause",
  " ": "pause",
  s: "sort",
  r: "reverse",
  h: "help",
  "?": "help",
  k: "up",
  j: "down",
  "\u001b[A": "up",
  "\u001b[B": "down",
  "\u001bOA": "up",
  "\u001bOB": "down",
  "\u001b[5~": "pageUp",
  "\u001b[6~": "pageDown",
};

/** One key: a sequence of ECMA-48 (CSI), a key in application mode (SS3), or a character. */
const key = /\u001b\[[\d;]*[ -/]*[@-~]|\u001bO[@-~]|[^]/gu; // oxlint-disable-line no-control-regex

/** The actions of the keys that were typed, in their order; other keys do nothing. */
export function actionsOf(typed: string): readonly Action[] {
  return [...typed.matchAll(key)].flatMap(([one]) => {
    const action = Object.hasOwn(actions, one) ? actions[one] : undefined;
    return action === undefined ? [] : [action];
  });
}

/** What the help shows. */
export const keyHelp: readonly (readonly [keys: string, what: string])[] = [
  ["q, Ctrl-C", "quit"],
  ["p, blank", "pause, and go on"],
  ["s", "sort the tables by their next column"],
  ["r", "the other way round"],
  ["j, k, arrows, page keys", "scroll, if the window is too low"],
  ["Ctrl-Z", "stop it; the shell's fg goes on"],
  ["h, ?", "this help"],
];
