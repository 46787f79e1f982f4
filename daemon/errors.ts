/**
 * The one error type that reaches the administrator. Its code is the class of the fault, which decides the exit code;
 * its message says what is wrong, where, and what to do.
 */

/** Exit codes as in sysexits.h; the fixed command line interface. */
export const exitCodes = {
  /** The command was called wrongly. */
  USAGE: 64,
  /** Input data could not be understood. */
  DATA: 65,
  /** What was asked for was not found in the input (EX_NOINPUT). */
  NOT_FOUND: 66,
  /** A required service is not available (Kafka does not answer, another forwarder holds the lock). */
  UNAVAILABLE: 69,
  /** A file or socket could not be read or written. */
  IO: 74,
  /** The configuration is wrong. */
  CONFIG: 78,
} as const;

export type Code = keyof typeof exitCodes;

export class DfnError extends Error {
  override readonly name = "DfnError";
  readonly code: Code;

  /**
   * @param code    class of the fault
   * @param message what is wrong, where, and what the administrator can do, in one or a few sentences
   */
  constructor(code: Code, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  get exitCode(): number {
    return exitCodes[this.code];
  }
}

/** The text of anything that was thrown; walks `cause`, so that the true reason is not hidden behind a wrapper. */
export function describe(reason: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = reason, depth = 0; at !== undefined && at !== null && depth < 5; depth++) {
    const text = at instanceof Error ? at.message : typeof at === "string" ? at : JSON.stringify(at);
    if (text !== undefined && text !== "" && !parts.some((part) => part.includes(text))) parts.push(text);
    at = at instanceof Error ? at.cause : undefined;
  }
  return parts.length > 0 ? parts.join(": ") : "unknown error";
}

/** The errno name (`ENOENT`, ...) of a Node system error, else undefined. */
export function errnoOf(reason: unknown): string | undefined {
  if (!(reason instanceof Error) || !("code" in reason)) return undefined;
  return typeof reason.code === "string" ? reason.code : undefined;
}

/** Whether a system error says that there is nothing at a path: neither the file nor a directory above it. */
export function isAbsent(reason: unknown): boolean {
  const errno = errnoOf(reason);
  return errno === "ENOENT" || errno === "ENOTDIR";
}
