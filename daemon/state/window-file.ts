import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, errnoOf } from "../errors.ts";
import type { SavedWindow } from "../delivery/couples.ts";
import { maxCopies } from "../delivery/fingerprint-table.ts";
import type { SavedEntry } from "../delivery/pairing.ts";
import type { Log } from "../telemetry/log.ts";
import { writeAtomically } from "../disk/atomic-file.ts";

const fileName = "window.json";

/** Saves the pairing window beside the checkpoint, on a proper stop. */
export async function saveWindow(stateDir: string, window: SavedWindow): Promise<void> {
  await writeAtomically(join(stateDir, fileName), JSON.stringify(window));
}

/** Takes the saved window away once it is of no more use. */
export async function removeWindow(stateDir: string): Promise<void> {
  await rm(join(stateDir, fileName), { force: true });
}

/**
 * Reads the saved window. Undefined where there is none, or where it cannot be understood: the window only spares
 * duplicates, so a damaged one is reported and left out.
 */
export async function loadWindow(stateDir: string, log: Log): Promise<SavedWindow | undefined> {
  const path = join(stateDir, fileName);
  try {
    const window: unknown = JSON.parse(await readFile(path, "utf8"));
    if (isWindow(window)) return window;
    log.warn({ path }, "the saved pairing window is not understood and left out; an alert may be sent twice");
  } catch (reason) {
    if (errnoOf(reason) === "ENOENT") return undefined;
    const what = "the saved pairing window cannot be read and is left out; an alert may be sent twice";
    log.warn({ path, reason: describe(reason) }, what);
  }
  return undefined;
}

function isWindow(value: unknown): value is SavedWindow {
  if (typeof value !== "object" || value === null) return false;
  const { version, forgottenSecond, entries } = value as Partial<Record<keyof SavedWindow, unknown>>;
  return version === 1 && Number.isFinite(forgottenSecond) && Array.isArray(entries) && entries.every(isEntry);
}

function isEntry(value: unknown): value is SavedEntry {
  if (!Array.isArray(value) || value.length !== 5) return false;
  const [high, low, tail, socket, second]: unknown[] = value;
  // A number that does not fit, or no copy at all, would take a place in the window for an alert that is never found.
  return (
    (tail !== 0 || socket !== 0) &&
    isUpTo(0xffffffff, high) &&
    isUpTo(0xffffffff, low) &&
    isUpTo(maxCopies, tail) &&
    isUpTo(maxCopies, socket) &&
    (second === -1 || isUpTo(Number.MAX_SAFE_INTEGER, second))
  );
}

function isUpTo(most: number, value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most;
}
