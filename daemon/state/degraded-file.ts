import { rm } from "node:fs/promises";
import { join } from "node:path";
import { syncDirectory, writeAtomically } from "../disk/atomic-file.ts";
import { readRegularFile } from "../disk/read-file.ts";
import { describe, isAbsent } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";

const fileName = "degraded";
const content =
  "The event that the forwarder is degraded was sent to Wazuh; the one that all is well was not sent yet.\n";
const maxBytes = 4096;

/**
 * Remembers over restarts and crashes that a degradation was reported to Wazuh, so that "all is well" ends its alert later.
 * Only whether the file is there counts.
 */
export class DegradedFile {
  readonly #stateDir: string;
  readonly #log: Log;
  #wanted: boolean;
  #known: boolean;
  #working: Promise<void> | undefined;

  /** @param wasDegraded what `wasDegraded` returned */
  constructor(stateDir: string, log: Log, wasDegraded: boolean) {
    this.#stateDir = stateDir;
    this.#log = log;
    this.#wanted = this.#known = wasDegraded;
  }

  /** Resolves when the file is written or has failed to be; never rejects. */
  set(isDegraded: boolean): Promise<void> {
    this.#wanted = isDegraded;
    this.#working ??= this.#work().finally(() => (this.#working = undefined));
    return this.#working;
  }

  async #work(): Promise<void> {
    while (this.#wanted !== this.#known) {
      const wanted = this.#wanted;
      try {
        const path = join(this.#stateDir, fileName);
        if (wanted) await writeAtomically(path, content);
        else {
          await rm(path, { force: true });
          await syncDirectory(this.#stateDir);
        }
      } catch (reason) {
        const what = "cannot save that a degradation was reported to Wazuh; after a crash its alert may stay open";
        this.#log.warn({ code: "degradation-not-saved", stateDir: this.#stateDir, reason: describe(reason) }, what);
      }
      this.#known = wanted; // Not tried again: the next change is.
    }
  }
}

/** Whether an earlier process has reported a degradation to Wazuh, and not its end. Never rejects. */
export async function wasDegraded(stateDir: string, log: Log): Promise<boolean> {
  const path = join(stateDir, fileName);
  try {
    await readRegularFile(path, { maxBytes, links: "refuse" });
    return true;
  } catch (reason) {
    if (isAbsent(reason)) return false;
    log.warn(
      { code: "state-file-ignored", path, reason: describe(reason) },
      "this file of the state directory cannot be read and is ignored",
    );
    return false;
  }
}
