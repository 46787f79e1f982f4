import { readlink, stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { namesIn } from "../../disk/list-directory.ts";
import { errnoOf } from "../../errors.ts";
import { failed, type CheckResult, ok, unseen, warning } from "../result.ts";
import type { Running } from "../processes.ts";
import { startOfText } from "../read.ts";
import { statIfPresent } from "../../disk/file-stat.ts";

/** integratord checks once a second (Wazuh 4.14 source: src/os_integrator/integrator.c:155-158). */
const lookAgainMs = 2500;

/** How far integratord has read alerts.json. */
type Progress =
  /** It reached the end within a moment. */
  | { readonly kind: "at-end" }
  | { readonly kind: "behind"; readonly bytes: number }
  /** It still reads a file that is no longer alerts.json. */
  | { readonly kind: "older-file"; readonly path: string }
  | { readonly kind: "not-open" }
  | { readonly kind: "unseen" };

export interface IntegratordFacts {
  readonly home: string;
  readonly isTailOn: boolean;
  /** Whether ossec.conf has a block for custom-dfn: integratord ends at once without any block. */
  readonly hasBlock: boolean;
  /** Null: the current user may not see it. */
  readonly process: Running | undefined | null;
  /** When ossec.conf was last changed; undefined if unknown. */
  readonly confChangedAtMs: number | undefined;
  readonly progress: Progress;
  readonly temporaryFiles: TemporaryFiles;
}

/** Who may read the files in /tmp through which integratord passes alerts to its scripts. */
type TemporaryFiles = "everybody" | "its-group" | "unseen";

export function judgeIntegratord(facts: IntegratordFacts): CheckResult[] {
  const { home, isTailOn, hasBlock, process, confChangedAtMs, progress, temporaryFiles } = facts;
  const fault = isTailOn ? warning : failed;
  if (process === null) return [unseen("whether integratord runs")];
  const restart = `${home}/bin/wazuh-control restart`;
  if (process === undefined) {
    if (hasBlock) return [fault("integratord is not running", `${restart} && tail -n 20 ${home}/logs/ossec.log`)];
    return [ok("integratord is not running, and no integration of ours needs it")];
  }
  const results: CheckResult[] = [];
  if (hasBlock && confChangedAtMs !== undefined && confChangedAtMs > process.startedAtMs + 1000) {
    const text = `ossec.conf was changed after integratord (pid ${process.pid}) was started; it reads the file only at its start`;
    results.push(warning(text, restart));
  }
  switch (progress.kind) {
    case "at-end":
      results.push(ok(`integratord (pid ${process.pid}) is running and at the end of alerts.json`));
      break;
    case "behind": {
      const text = `integratord is behind: ${progress.bytes} bytes of alerts.json are still to be read`;
      const missed = isTailOn ? "the tail delivers what it misses" : "the tail is off, so what it misses is lost";
      const remedy = `tail -n 20 ${home}/logs/ossec.log  # which integration is slow? ${missed}`;
      results.push(warning(text, remedy));
      break;
    }
    case "older-file": {
      const text = `integratord still reads ${progress.path}, which is no longer alerts.json`;
      const skipped = isTailOn ? "the tail delivers what it skips" : "the tail is off, so what it skips is lost";
      results.push(warning(text, `tail -n 20 ${home}/logs/ossec.log  # ${skipped}`));
      break;
    }
    case "not-open":
      results.push(fault(`integratord (pid ${process.pid}) does not have alerts.json open`, restart));
      break;
    case "unseen":
      results.push(unseen(`how far integratord (pid ${process.pid}) has read`));
      break;
  }
  if (hasBlock && temporaryFiles === "everybody") {
    const text = `the umask of integratord (pid ${process.pid}) lets every user of this machine read the alerts that it hands to scripts, in /tmp/custom-dfn-*.alert, for as long as a script runs`;
    results.push(warning(text, tightUmask));
  }
  return results;
}

/** analysisd sets 0027 for itself (Wazuh 4.14 source: src/analysisd/alerts/getloglocation.c:65). */
const unit = "/etc/systemd/system/wazuh-manager.service.d";
const tightUmask = `mkdir -p ${unit} && printf '[Service]\\nUMask=0027\\n' >${unit}/umask.conf && systemctl daemon-reload && systemctl restart wazuh-manager`;

/**
 * integratord makes its files with fopen, so its umask decides (Wazuh 4.14 source: src/os_integrator/integrator.c:278-295;
 * it sets none itself). In a /tmp of its own (`PrivateTmp=`) nobody else can reach them; only root can check that.
 */
export async function temporaryFilesOf(pid: number): Promise<TemporaryFiles> {
  const status = await startOfText(`/proc/${pid}/status`, 16_384).catch(() => "");
  const umask = /^Umask:\s*([0-7]+)$/m.exec(status)?.[1];
  if (umask === undefined) return "unseen";
  if ((Number.parseInt(umask, 8) & 0o004) !== 0) return "its-group";
  const [its, ours] = await Promise.all(
    [`/proc/${pid}/root/tmp`, "/tmp"].map((path) => stat(path).catch(() => undefined)),
  );
  const isPrivate = its !== undefined && ours !== undefined && (its.ino !== ours.ino || its.dev !== ours.dev);
  return isPrivate ? "its-group" : "everybody";
}

/**
 * Reads from /proc how far the process has read a file: to the end, or at least to where the end was at a first check.
 * @param path alerts.json
 */
export async function progressOf(pid: number, path: string): Promise<Progress> {
  const first = await spotOf(pid, path);
  if (typeof first === "string") return { kind: first };
  if (first.isOlder) return { kind: "older-file", path: first.path };
  if (first.position >= first.size) return { kind: "at-end" };
  await delay(lookAgainMs);
  const second = await spotOf(pid, path);
  if (typeof second === "string") return { kind: second };
  if (second.isOlder) return { kind: "older-file", path: second.path };
  // New alerts may have arrived; those that were there before have been read.
  if (second.position >= first.size) return { kind: "at-end" };
  return { kind: "behind", bytes: second.size - second.position };
}

interface Spot {
  readonly path: string;
  readonly position: number;
  readonly size: number;
  readonly isOlder: boolean;
}

async function spotOf(pid: number, path: string): Promise<Spot | "unseen" | "not-open"> {
  let descriptors: string[];
  try {
    descriptors = await namesIn(`/proc/${pid}/fd`);
  } catch (reason) {
    return errnoOf(reason) === "ENOENT" ? "not-open" : "unseen";
  }
  const current = await statIfPresent(path).catch(() => undefined);
  for (const descriptor of descriptors) {
    const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => "");
    // alerts.json is a hard link, so this is the name under which it was opened, even if it is an archive by now.
    if (!/\/alerts\.json( \(deleted\))?$|\/ossec-alerts-[\d-]+\.json( \(deleted\))?$/.test(target)) continue;
    const [opened, info] = await Promise.all([
      statIfPresent(`/proc/${pid}/fd/${descriptor}`).catch(() => undefined),
      startOfText(`/proc/${pid}/fdinfo/${descriptor}`, 4096).catch(() => ""),
    ]);
    if (opened === undefined) continue;
    const isOlder = current !== undefined && current.id !== opened.id;
    const position = Number(/^pos:\s*(\d+)/m.exec(info)?.[1] ?? 0);
    return { path: target, position, size: opened.size, isOlder };
  }
  return "not-open";
}
