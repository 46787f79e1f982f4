import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { readRegularFile } from "../../disk/read-file.ts";
import { DfnError, isAbsent } from "../../errors.ts";
import { command } from "../../printable.ts";
import type { StatusSnapshot } from "../../status/facts.ts";
import { Archives, type Archive } from "../../sources/tail/log/archives.ts";
import { decodeCheckpoint, type Body } from "../../sources/tail/position/checkpoint.ts";
import { parseStem } from "../../sources/tail/log/dated-name.ts";
import { failed, type CheckResult, ok, unseen, warning } from "../result.ts";
import { statIfPresent } from "../../disk/file-stat.ts";

const behindSeconds = 60;
const longAgoMs = 10_000;
/** As in the forwarder (sources/tail/position/checkpoint-store.ts). */
const maxFileBytes = 8 * 1024 * 1024;

/** What is stored in the state directory. */
export type StoredCheckpoint =
  | { readonly kind: "valid"; readonly body: Body; readonly writtenAtMs: number }
  | { readonly kind: "absent" }
  | { readonly kind: "unseen" }
  | { readonly kind: "damaged" };

interface CheckpointFacts {
  readonly stateDir: string;
  readonly stored: StoredCheckpoint;
  /** The status of the running forwarder; undefined if it does not run, or its tail has not started. */
  readonly status: Pick<StatusSnapshot, "log" | "checkpoint"> | undefined;
  readonly nowMs: number;
}

/** Whether the position is saved, and how far it is behind. */
export function judgeCheckpoint({ stateDir, stored, status, nowMs }: CheckpointFacts): CheckResult[] {
  const path = `${stateDir}/checkpoint.json`;
  const { log, checkpoint } = status ?? {};
  if (checkpoint?.trouble !== undefined)
    return [failed(checkpoint.trouble, command`df -h ${stateDir}; ls -ld ${stateDir}`)];
  if (log !== undefined) {
    const ageSeconds = checkpoint?.ageSeconds;
    if (ageSeconds === undefined || ageSeconds * 1000 > longAgoMs) {
      const age = ageSeconds === undefined ? "was never written" : `is ${ageSeconds} s old`;
      return [warning(`the checkpoint ${age}, although the forwarder is running`, "wazuh-dfn status")];
    }
    const kept = `the position was saved ${ageSeconds} s ago`;
    if (log.lagBytes === undefined) {
      const text = `${kept}, but it is not known how far the forwarder is behind the log: ${log.state}`;
      return [warning(text, "wazuh-dfn status")];
    }
    if (log.lagSeconds === undefined) return [ok(`${kept}, and ${log.lagBytes} bytes of the log are still to be read`)];
    if (log.lagSeconds > behindSeconds) {
      const text = `the forwarder is ${log.lagSeconds} s and ${log.lagBytes} bytes behind the log`;
      return [warning(text, "wazuh-dfn status  # does the delay shrink? the forwarder catches up by itself")];
    }
    return [ok(`${kept}, and the forwarder is ${log.lagSeconds} s behind the log`)];
  }
  return judgeStored(path, stored, nowMs);
}

/** What a forwarder that is not running has left. */
function judgeStored(path: string, stored: StoredCheckpoint, nowMs: number): CheckResult[] {
  if (stored.kind === "unseen") return [unseen(path)];
  if (stored.kind === "damaged") {
    const text = `${path} is damaged; the forwarder uses the previous one, or starts as sources.tail.start says`;
    return [warning(text, "systemctl start wazuh-dfn && journalctl -u wazuh-dfn -n 50")];
  }
  if (stored.kind === "absent") {
    const text = `there is no ${path}: the forwarder has never run, and will start as sources.tail.start says`;
    return [warning(text, "systemctl start wazuh-dfn")];
  }
  const minutes = Math.round((nowMs - stored.writtenAtMs) / 60_000);
  return [ok(`the position was saved ${minutes} minutes ago; the next start continues there`)];
}

interface ArchiveFacts {
  readonly stored: StoredCheckpoint;
  readonly isRunning: boolean;
  /** Log files from the position's own on, oldest first; undefined: the current user may not see them. */
  readonly archives: readonly Archive[] | undefined;
  /** Inode and device of alerts.json, as in a checkpoint. */
  readonly currentId: string | undefined;
  readonly directory: string;
}

/** Whether what is not yet read still exists: plain, or compressed. */
export function judgeArchives({ stored, archives, isRunning, currentId, directory }: ArchiveFacts): CheckResult[] {
  if (stored.kind === "unseen" || archives === undefined) return [unseen(`the archives in ${directory}`)];
  if (stored.kind !== "valid" || stored.body.position === null)
    return [ok("there is no position yet, so no archive is needed")];
  const { position, afterRank, damaged = [] } = stored.body;
  if (damaged.length > 0) {
    return damaged.map(({ file, end }) => {
      const text = `${file} is damaged and was read up to byte ${end} of its content`;
      return warning(text, "# replace it with an intact copy: the forwarder reads the rest by itself; or move it away");
    });
  }
  const own = position.name === null ? undefined : parseStem(position.name);
  const isOwnThere =
    position.id === currentId || own === undefined || archives.some(({ name }) => name.rank === own.rank);
  if (!isOwnThere && !isRunning) {
    const text = `${position.file} is gone, and was read only up to byte ${position.offset}`;
    const back = `${directory}/${own.stem}.json`;
    const place = `${back}:${position.offset}`;
    return [failed(text, command`wazuh-dfn replay --at ${place}  # once ${back} is restored from a backup`)];
  }
  const unread = archives.filter(({ name }) => name.rank > afterRank || name.rank === own?.rank);
  const compressed = unread.filter((archive) => archive.compressed);
  if (compressed.length > 0) {
    const names = compressed.map(({ path }) => path);
    const shown = names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");
    const remedy = isRunning
      ? "wazuh-dfn status  # it reads them; keep them until it has"
      : "systemctl start wazuh-dfn  # it reads them; keep them until it has";
    return [warning(`compressed before all of it was read: ${shown}`, remedy)];
  }
  return [
    ok(
      unread.length > 1
        ? `${unread.length} files are still to be read, and all of them exist`
        : "nothing unread is missing or compressed",
    ),
  ];
}

export async function lookAtStored(stateDir: string): Promise<StoredCheckpoint> {
  const path = join(stateDir, "checkpoint.json");
  try {
    const { mtimeMs } = await lstat(path);
    const decoded = decodeCheckpoint(
      (await readRegularFile(path, { maxBytes: maxFileBytes, links: "refuse" })).toString("utf8"),
    );
    return decoded.kind === "valid" ? { kind: "valid", body: decoded.body, writtenAtMs: mtimeMs } : { kind: "damaged" };
  } catch (reason) {
    if (reason instanceof DfnError) return { kind: "damaged" }; // A link, a pipe, or far too large.
    return { kind: isAbsent(reason) ? "absent" : "unseen" };
  }
}

/** @param directory that of alerts.json */
export async function lookAtArchives(
  directory: string,
  stored: StoredCheckpoint,
  isRunning: boolean,
): Promise<ArchiveFacts> {
  const facts = { stored, isRunning, directory };
  const position = stored.kind === "valid" ? stored.body.position : null;
  if (stored.kind !== "valid" || position === null) return { ...facts, archives: [], currentId: undefined };
  const own = position.name === null ? undefined : parseStem(position.name);
  const rank = Math.min(stored.body.afterRank, (own?.rank ?? Number.MAX_SAFE_INTEGER) - 1);
  try {
    const current = await statIfPresent(join(directory, "alerts.json")).catch(() => undefined);
    return {
      ...facts,
      archives: await new Archives(() => Promise.resolve(directory)).after(rank),
      currentId: current?.id,
    };
  } catch {
    return { ...facts, archives: undefined, currentId: undefined }; // A directory that the current user may not read.
  }
}
