import { stat } from "node:fs/promises";
import { describe, errnoOf, isAbsent } from "../../../errors.ts";
import { command } from "../../../printable.ts";
import type { ReasonCode } from "../../../telemetry/reason-codes.ts";
import type { OpenLogFile } from "./log-file.ts";

/**
 * The command that sends what a file holds from an offset on, to be pasted as it is.
 * @param offset decompressed; a line begins there
 */
export function replayCommand(file: string, offset: number): string {
  return command`wazuh-dfn replay --at ${`${file}:${offset}`}`;
}

/** Why a file of the log cannot be read. */
export interface ReadFailure {
  /** What to do as well, in a few sentences. */
  readonly text: string;
  readonly code: Extract<ReasonCode, "log-missing" | "log-unreadable">;
}

/** @param fallback the path to name if the error does not */
export async function explain(fallback: string, reason: unknown): Promise<ReadFailure> {
  return { text: await textOf(fallback, reason), code: isAbsent(reason) ? "log-missing" : "log-unreadable" };
}

async function textOf(fallback: string, reason: unknown): Promise<string> {
  const path = reason instanceof Error && "path" in reason ? String(reason.path) : fallback;
  if (isAbsent(reason)) {
    return (
      `${path} does not exist. It is read from its beginning as soon as it appears. Is the manager running, is ` +
      `<jsonout_output> "yes" in its ossec.conf, and is sources.tail.path right?`
    );
  }
  const errno = errnoOf(reason);
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

/**
 * What is wrong with a damaged archive, and what to do.
 * @param offset up to where its content could be decompressed
 * @param end    up to which of its bytes it was read
 */
export function damagedText({ origin: { file }, offset }: OpenLogFile, end: number, reason: unknown): string {
  return (
    `${file} cannot be decompressed beyond byte ${offset} of its content: ${describe(reason)}. It was read ` +
    `up to byte ${end}. Replace it with an intact copy, and the rest is read by itself. Or send the rest from a copy ` +
    `elsewhere, using its own path: ${replayCommand(file, end)}`
  );
}

/** That nobody looks any more whether a damaged archive has become whole. */
export function givenUpText({ file, end }: { readonly file: string; readonly end: number }): string {
  return (
    `There are too many damaged archives: ${file} is no longer checked. It was read up to byte ${end}; ` +
    `send the rest from an intact copy: ${replayCommand(file, end)}`
  );
}
