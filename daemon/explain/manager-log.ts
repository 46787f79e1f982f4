/** The files of the manager's log: alerts.json and its archives. */
import { dirname, join, resolve } from "node:path";
import type { Config } from "../config/schema.ts";
import { statIfPresent } from "../disk/file-stat.ts";
import { describe, DfnError } from "../errors.ts";
import { Archives, directoryOf, type Archive, type LogFile } from "../sources/tail/log/archives.ts";
import { parseFileName } from "../sources/tail/log/dated-name.ts";
import type { FileOrigin } from "../sources/tail/log/log-file.ts";
import { logOriginAt } from "./log-walk.ts";

/** Path of alerts.json, also if the tail is off. */
export function alertsPath({ sources, wazuh }: Config): string {
  return sources.tail?.path ?? join(wazuh.home, "logs/alerts/alerts.json");
}

/**
 * All archives next to alerts.json, oldest first.
 * @throws DfnError IO if they cannot be listed
 */
export async function archivesOf(path: string): Promise<readonly Archive[]> {
  try {
    return await new Archives(() => directoryOf(path)).all();
  } catch (reason) {
    throw new DfnError("IO", `the archives below ${dirname(path)} cannot be listed: ${describe(reason)}`, {
      cause: reason,
    });
  }
}

/** alerts.json under the dated name that it has, too, if it has one. */
export async function liveFile(path: string, archives: readonly Archive[]): Promise<LogFile> {
  const unnamed = { path, name: undefined, compressed: false };
  const found = await statIfPresent(path).catch(() => undefined);
  if (found === undefined) return unnamed;
  for (const archive of archives.toReversed()) {
    if (archive.compressed) continue;
    const other = await statIfPresent(archive.path).catch(() => undefined);
    if (other?.id === found.id) return archive;
  }
  return unnamed;
}

/** What a file is if it belongs to the log; undefined for any other. */
export async function originInLog(path: string, live: string): Promise<FileOrigin | undefined> {
  const full = resolve(path);
  const named = await liveFile(live, await archivesOf(live));
  if (full === resolve(live)) return logOriginAt(named);
  const root = await directoryOf(live);
  const [year = "", month = "", file = "", ...more] = full.startsWith(`${resolve(root)}/`)
    ? full.slice(resolve(root).length + 1).split("/")
    : [];
  const parsed = more.length > 0 ? undefined : parseFileName(year, month, file);
  return parsed === undefined
    ? undefined
    : logOriginAt({ path: full, name: parsed.name, compressed: parsed.compressed });
}
