import { hash } from "node:crypto";
import { statSync } from "node:fs";
import { z } from "zod";
import { readRegularFileSync } from "../disk/read-file.ts";
import { isAbsent } from "../errors.ts";

const maxMachineIdBytes = 256;

/** Where a stream of manifests is written: another machine or directory has a copy of its state, or its own. */
export const placeForm = z.strictObject({ machine: z.string().nullable(), directory: z.string() });
export type StreamPlace = z.infer<typeof placeForm>;

/**
 * The machine and the state directory. The machine's id is not shown as it is (machine-id(5) asks for that): its hash is kept.
 * Device numbers change over reboots, so a directory is known by its inode.
 * @throws a system error if the state directory cannot be looked at
 */
export function placeOf(stateDir: string, machineIdFile = "/etc/machine-id"): StreamPlace {
  return {
    machine: machineOf(machineIdFile),
    directory: String(statSync(stateDir, { bigint: true }).ino),
  };
}

function machineOf(file: string): string | null {
  try {
    const id = readRegularFileSync(file, { maxBytes: maxMachineIdBytes, links: "follow" }).toString("latin1").trim();
    return id === "" ? null : hash("sha256", `wazuh-dfn ${id}`, "hex").slice(0, 32);
  } catch (reason) {
    if (isAbsent(reason)) return null;
    throw reason;
  }
}

/** Why a stream cannot go on in this place; undefined if it can. */
export function movedBecause(saved: StreamPlace, now: StreamPlace): "cloned" | "restored" | undefined {
  if (saved.machine !== null && now.machine !== null && saved.machine !== now.machine) return "cloned";
  return saved.directory === now.directory ? undefined : "restored";
}
