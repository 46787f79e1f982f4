import type { Origin } from "./tree.ts";

/** Something wrong, or odd, with the settings or with what they name. */
export interface Problem {
  /** error: the forwarder does not start with it; warning: it does, and something may not work as meant. */
  readonly severity: "error" | "warning";
  /** The setting as in `sink.kafka.brokers`, where one is to blame. */
  readonly setting?: string;
  /** Where that was written; absent for a default and for a required setting that is not there at all. */
  readonly origin?: Origin;
  /** What is wrong and what is allowed, or what to do; without a full stop. */
  readonly message: string;
}

/** `config.yaml:12`, `environment variable X` or `--set x`. */
export function place(origin: Origin): string {
  if (origin.kind === "environment") return `environment variable ${origin.variable}`;
  if (origin.kind === "option") return `--set ${origin.name}`;
  return origin.line === undefined ? origin.file : `${origin.file}:${origin.line}`;
}

/** One line, without a newline: place, setting, message. */
export function problemLine(problem: Problem): string {
  const parts = [problem.message];
  const { setting } = problem;
  // Not where `--set a.b` or the message itself says the name already.
  const option = problem.origin?.kind === "option" ? problem.origin.name : undefined;
  const isNamed = option === setting || problem.message.startsWith(`${setting ?? ""}:`);
  if (setting !== undefined && !isNamed) parts.unshift(setting);
  if (problem.origin !== undefined) parts.unshift(place(problem.origin));
  return (problem.severity === "warning" ? "warning: " : "") + parts.join(": ");
}

/** Thrown by the readers of single values: the message says what is wrong and what is allowed. */
export class InvalidValue extends Error {
  override readonly name = "InvalidValue";
}

/** Text from outside as it may stand in a message: quoted, one line, at most 80 characters. */
export function inQuotes(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}
