import type { LinkResult, CheckState } from "../doctor/result.ts";
import { printable } from "../printable.ts";

const states: readonly CheckState[] = ["failed", "warning", "unseen", "ok"];

/** The findings for people, in the order of the chain, with the remedy below each; ends with a count and a newline. */
export function reportOf(findings: readonly LinkResult[]): string {
  const stateWidth = Math.max(...states.map((state) => state.length));
  const width = Math.max(0, ...findings.map(({ link }) => link.length));
  const lines = findings.flatMap(({ link, state, text, remedy }) => {
    const line = `${state.padEnd(stateWidth)}  ${link.padEnd(width)}  ${text}`;
    return remedy === undefined ? [line] : [line, `${" ".repeat(stateWidth + width + 4)}-> ${remedy}`];
  });
  const counts = states
    .map((state) => [findings.filter((finding) => finding.state === state).length, state] as const)
    .filter(([count]) => count > 0)
    .map(([count, state]) => `${count} ${state}`);
  return `${[...lines, "", counts.join(", ")].map(printable).join("\n")}\n`;
}
