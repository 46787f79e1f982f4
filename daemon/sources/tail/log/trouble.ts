import { stat } from "node:fs/promises";
import { describe, errnoOf } from "../../../errors.ts";
import { command } from "../../../printable.ts";
import type { Log } from "../../../telemetry/log.ts";

/** While it lasts, a problem is logged again after this time. */
const repeatMs = 60_000;

/**
 * A condition that the administrator must know of: logged when it has lasted, again every minute while it lasts, and
 * once when it is over. Short ones, such as alerts.json missing while it is re-linked, are not logged at all.
 */
export class TailTrouble {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #patienceMs: number;
  #since: number | undefined;
  #saidAt: number | undefined;
  #reason: string | undefined;

  /**
   * @param now        milliseconds of a clock that only goes forward
   * @param patienceMs how long it must last before it is logged
   */
  constructor(log: Log, now: () => number, patienceMs: number) {
    this.#log = log;
    this.#now = now;
    this.#patienceMs = patienceMs;
  }

  /** What is wrong now; undefined when nothing is. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Says that it is so, each time it is found to be so. */
  raise(reason: string): void {
    const now = this.#now();
    this.#since ??= now;
    this.#reason = reason;
    const isDue = this.#saidAt === undefined ? now - this.#since >= this.#patienceMs : now - this.#saidAt >= repeatMs;
    if (!isDue) return;
    this.#saidAt = now;
    this.#log.error(reason);
  }

  /** Logs that it is over, if its beginning was logged. */
  clear(message: string): void {
    if (this.#saidAt !== undefined) this.#log.info(message);
    this.#since = this.#saidAt = this.#reason = undefined;
  }
}

/**
 * The command that sends what a file holds from an offset on, to be pasted as it is.
 * @param offset decompressed; a line begins there
 */
export function replayCommand(file: string, offset: number): string {
  return command`wazuh-dfn replay --at ${`${file}:${offset}`}`;
}

/**
 * Why a file of the log cannot be read, and what to do, in a few sentences.
 * @param fallback the path to name if the error does not
 */
export async function explain(fallback: string, reason: unknown): Promise<string> {
  const path = reason instanceof Error && "path" in reason ? String(reason.path) : fallback;
  const errno = errnoOf(reason);
  if (errno === "ENOENT" || errno === "ENOTDIR") {
    return (
      `${path} does not exist. It is read from its beginning as soon as it appears. Is the manager running, is ` +
      `<jsonout_output> "yes" in its ossec.conf, and is sources.tail.path right?`
    );
  }
  if (errno === "EACCES" || errno === "EPERM") {
    const groups = process.getgroups?.().join(",") ?? "?";
    return (
      `${path} cannot be read (${errno}): this process runs as uid ${process.getuid?.() ?? "?"}, groups ${groups}; ` +
      `${await ownership(path)}. Wazuh gives its logs to the group wazuh: add the forwarder's user to it and restart ` +
      `the forwarder. Reading continues by itself as soon as access is allowed.`
    );
  }
  return `${path} cannot be read: ${describe(reason)}. It is retried until it works.`;
}

async function ownership(path: string): Promise<string> {
  try {
    const { uid, gid, mode } = await stat(path);
    return `the file is ${uid}:${gid} with mode ${(mode & 0o7777).toString(8).padStart(4, "0")}`;
  } catch {
    // Not even its attributes may be seen, which is what the administrator needs to know.
    return "it may not access a directory above the file";
  }
}
