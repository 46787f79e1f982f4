import { readdir } from "node:fs/promises";
import { describe } from "../errors.ts";
import { DeadLetterUsage, emptyStore, type DeadLetterCount } from "../dead-letters/usage.ts";
import { type CertificateExpiry, CertificateWatch, type WatchedTls } from "./certificates.ts";

/** Figures from the disk and the system; they take time, so they are collected before the rest is read in one turn. */
export interface SystemMetrics {
  readonly deadLetters: DeadLetterCount;
  readonly deadLetterTrouble: string | undefined;
  readonly certificates: readonly CertificateExpiry[];
  readonly openFiles: number | undefined;
}

export interface WatchedPaths {
  readonly deadLetterDirectory: string;
  readonly tls: WatchedTls | undefined;
}

/** Asking more often than this yields nothing new. */
const everyMs = 1000;
const certificatesEveryMs = 5000;
/** A disk that does not answer must not block the status; the previous figures are reported then. */
const patienceMs = 500;

export class SystemMetricsWatch {
  readonly #watched: () => WatchedPaths;
  readonly #now: () => number;
  readonly #certificates = new CertificateWatch();
  #usage: { readonly directory: string; readonly counter: DeadLetterUsage } | undefined;
  #current: SystemMetrics = {
    deadLetters: emptyStore,
    deadLetterTrouble: undefined,
    certificates: [],
    openFiles: undefined,
  };
  #refreshing: Promise<void> | undefined;
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #certificatesAt = Number.NEGATIVE_INFINITY;

  /**
   * @param watched what to check; called each time, since a reload may change it
   * @param now     milliseconds of a monotonic clock
   */
  constructor(watched: () => WatchedPaths, now: () => number) {
    this.#watched = watched;
    this.#now = now;
  }

  get current(): SystemMetrics {
    return this.#current;
  }

  /** Resolves when `current` is at most a second old, or if the system takes too long. Never rejects. */
  async refresh(): Promise<void> {
    if (this.#refreshing === undefined && this.#now() - this.#refreshedAt < everyMs) return;
    this.#refreshing ??= this.#ask().finally(() => (this.#refreshing = undefined));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patienceMs);
    });
    await Promise.race([this.#refreshing, late]);
    clearTimeout(timer);
  }

  async #ask(): Promise<void> {
    const { deadLetterDirectory, tls } = this.#watched();
    let { deadLetters, certificates } = this.#current;
    let deadLetterTrouble: string | undefined;
    if (this.#usage?.directory !== deadLetterDirectory) {
      this.#usage = { directory: deadLetterDirectory, counter: new DeadLetterUsage(deadLetterDirectory) };
    }
    try {
      deadLetters = await this.#usage.counter.count();
    } catch (reason) {
      const remedy = "fix the permissions of the state directory";
      deadLetterTrouble = `dead letters cannot be counted: ${describe(reason)}; ${remedy}`;
    }
    if (this.#now() - this.#certificatesAt >= certificatesEveryMs) {
      certificates = this.#certificates.look(tls, Date.now());
      this.#certificatesAt = this.#now();
    }
    const openFiles = await countOpenFiles();
    this.#current = { deadLetters, deadLetterTrouble, certificates, openFiles };
    this.#refreshedAt = this.#now();
  }
}

/** Without the descriptor that counting itself needs. */
async function countOpenFiles(): Promise<number | undefined> {
  try {
    return (await readdir("/proc/self/fd")).length - 1;
  } catch {
    return undefined; // Not Linux or no /proc: the figure is left out.
  }
}
