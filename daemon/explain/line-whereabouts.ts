/** Where the line of an alert is for the forwarder, running or not. */
import type { Config } from "../config/schema.ts";
import { parseStem } from "../sources/tail/log/dated-name.ts";
import type { TailStatus } from "../sources/tail/status.ts";
import type { AlertAccount } from "./alert-account.ts";
import type { StoredProgress } from "./log-progress.ts";

/** See `RecordState`. `done`: it has its outcome. */
export interface LineFinding {
  readonly state: "in-flight" | "not-read" | "before-start" | "not-known" | "done";
  readonly why: string | undefined;
}

/** Answers for lines, by what the state directory and the running forwarder say. */
export class LineWhereabouts {
  readonly #tail: Config["sources"]["tail"];
  readonly #stored: StoredProgress;
  readonly #log: Pick<TailStatus, "file" | "offset"> | undefined;

  /** `device:inode` of alerts.json. */
  readonly #liveId: string | undefined;

  /**
   * @param log where the running forwarder reads; undefined if none answers
   * @param liveId `device:inode` of alerts.json; undefined if there is none
   */
  constructor(
    tail: Config["sources"]["tail"],
    stored: StoredProgress,
    log: Pick<TailStatus, "file" | "offset"> | undefined,
    liveId: string | undefined,
  ) {
    this.#tail = tail;
    this.#stored = stored;
    this.#log = log;
    this.#liveId = liveId;
  }

  of({ line, timestamp }: Pick<AlertAccount, "line" | "timestamp">): LineFinding {
    const { origin, offset } = line;
    if (origin === undefined) return { state: "not-known", why: "it was not taken from the manager's log" };
    if (this.#tail === undefined) {
      return { state: "not-known", why: "sources.tail is off, so the forwarder keeps no position in the log" };
    }
    const time = Date.parse(timestamp ?? "");
    const timeMs = Number.isNaN(time) ? undefined : time;
    const stored = this.#stored;
    if (stored.kind === "unknown") return { state: "not-known", why: stored.reason };
    if (stored.kind === "none") return this.#atFirstStart(line, timeMs);
    const state = stored.progress.stateOf(origin, offset, timeMs);
    if (state === "done") return { state, why: undefined };
    if (state === "before-start")
      return { state, why: "what was in the log before it is sent by hand: wazuh-dfn replay" };
    return this.#isRead(line) ? { state: "in-flight", why: undefined } : { state: "not-read", why: this.#readLater() };
  }

  /** No forwarder has run with this state directory. */
  #atFirstStart({ origin }: AlertAccount["line"], timeMs: number | undefined): LineFinding {
    const start = this.#tail?.start;
    const text = "no forwarder has run with this state directory yet";
    if (start instanceof Date) {
      const isBefore = timeMs !== undefined && timeMs < start.getTime();
      return {
        state: isBefore ? "before-start" : "not-read",
        why: `${text}, and it will begin at ${start.toISOString()}`,
      };
    }
    if (start === "end") return { state: "before-start", why: `${text}, and it will begin at the end of the log` };
    if (origin?.id !== this.#liveId)
      return { state: "before-start", why: `${text}, and it will begin with alerts.json` };
    return { state: "not-read", why: text };
  }

  /** Whether the running forwarder reads behind this line. */
  #isRead({ origin, file, offset }: AlertAccount["line"]): boolean {
    const log = this.#log;
    if (log === undefined || origin === undefined) return false;
    const [own, its] = [origin.name, parseStem(stemOfPath(log.file) ?? "")];
    if (own !== undefined && its !== undefined && own.rank !== its.rank) return own.rank < its.rank;
    const isSame = own !== undefined && its !== undefined ? true : log.file === file;
    return isSame && offset < log.offset;
  }

  #readLater(): string | undefined {
    return this.#log === undefined ? "no forwarder answers on status.listen" : undefined;
  }
}

const datedPath = /(\d{4}\/[A-Z][a-z]{2}\/ossec-alerts-\d{2}(?:-\d{3,5})?)\.json(?:\.gz)?$/;

/** The dated name in the path of an archive, `2026/Nov/ossec-alerts-21`; undefined if it has none. */
export function stemOfPath(path: string): string | undefined {
  return datedPath.exec(path)?.[1];
}
