import { stat } from "node:fs/promises";
import { type TailState, waitReasonOf } from "../../sources/tail/status.ts";
import { type OssecConf, settingOf } from "../../wazuh/ossec-conf.ts";
import { type Account, type AccessRefusal, refusalFor } from "../accounts.ts";
import { failed, type CheckResult, ok, unseen, warning } from "../result.ts";
import { isAbsent } from "../../errors.ts";

const dayMs = 86_400_000;
/** The value in a shipped ossec.conf (Wazuh 4.14 source: etc/templates/config/generic/alerts.template). */
const shippedLevel = 3;

interface WritingFacts {
  readonly home: string;
  readonly path: string;
  /** Whether `analysisd` has a process; undefined: the current user may not see it. */
  readonly isRunning: boolean | undefined;
  /** Undefined: there is no such file; null: the current user may not see it. */
  readonly lastWriteMs: number | undefined | null;
  readonly nowMs: number;
}

/** Whether analysisd writes alerts.json. */
export function judgeWriting(facts: WritingFacts): CheckResult[] {
  const { home, path, isRunning, lastWriteMs, nowMs } = facts;
  if (isRunning === false) {
    return [failed("analysisd is not running, so there are no alerts", `${home}/bin/wazuh-control start`)];
  }
  if (lastWriteMs === null) return [unseen(path, "usermod -aG wazuh USER  # or run this command as root")];
  if (lastWriteMs === undefined) {
    const remedy = `grep jsonout_output ${home}/etc/ossec.conf; ls -l ${path}  # switch it on, and check wazuh.home`;
    return [failed(`${path} does not exist`, remedy)];
  }
  const ageMs = nowMs - lastWriteMs;
  if (ageMs < -60_000) {
    return [
      warning(`${path} was last written in the future: the clock was set back`, "timedatectl  # check the clock"),
    ];
  }
  if (ageMs > dayMs) {
    const days = Math.floor(ageMs / dayMs);
    return [warning(`nothing has been written to ${path} for ${days} days`, `tail -n 20 ${home}/logs/ossec.log`)];
  }
  const analysisd = isRunning === undefined ? "" : "analysisd is running; ";
  return [ok(`${analysisd}${path} was last written ${Math.max(0, Math.round(ageMs / 1000))} s ago`)];
}

export async function lookAtWriting(
  at: { readonly home: string; readonly path: string },
  isRunning: boolean | undefined,
): Promise<WritingFacts> {
  const lastWriteMs = await stat(at.path).then(
    ({ mtimeMs }) => mtimeMs,
    (reason: unknown) => (isAbsent(reason) ? undefined : null),
  );
  return { ...at, isRunning, lastWriteMs, nowMs: Date.now() };
}

/** Whether the manager's settings write alerts as JSON, including all that may matter. */
export function judgeOutput(home: string, conf: OssecConf): CheckResult[] {
  const edit = (what: string): string =>
    `vi ${home}/etc/ossec.conf  # ${what}; then: ${home}/bin/wazuh-control restart`;
  // It is on by default (Wazuh 4.14 source: src/analysisd/config.c:51).
  if (settingOf(conf, "global", "jsonout_output") === "no") {
    return [failed("jsonout_output is off: no alert is written to alerts.json", edit("<jsonout_output>yes"))];
  }
  const level = Number(settingOf(conf, "alerts", "log_alert_level") ?? "1");
  if (level > shippedLevel) {
    const text = `log_alert_level is ${level}: alerts below it are never written, whatever their subject`;
    return [warning(text, edit(`<log_alert_level>${shippedLevel}`))];
  }
  return [ok(`jsonout_output is on, log_alert_level is ${level}`)];
}

interface ReadingFacts {
  readonly path: string;
  readonly reader: string;
  readonly refusal: AccessRefusal | undefined;
  /** The status of the running forwarder's tail; undefined if it does not run. */
  readonly state: TailState | undefined;
}

/** Whether the forwarder can read alerts.json. */
export function judgeReading({ path, reader, refusal, state }: ReadingFacts): CheckResult[] {
  const waiting = state === undefined ? undefined : waitReasonOf(state);
  if (refusal?.kind === "refused") {
    const text = `${reader} may not read ${path}: ${refusal.path} does not allow it`;
    return [failed(text, `usermod -aG wazuh ${reader} && systemctl restart wazuh-dfn`)];
  }
  if (refusal?.kind === "absent") return [failed(`${refusal.path} does not exist`, `ls -l ${path}`)];
  if (waiting !== undefined) return [failed(`the tail is waiting: ${waiting}`, "wazuh-dfn status")];
  if (refusal !== undefined) return [unseen(`whether ${reader} may read ${path}`)];
  return [ok(`${reader} may read ${path}`)];
}

export async function lookAtReading(
  path: string,
  reader: Account,
  state: TailState | undefined,
): Promise<ReadingFacts> {
  return { path, reader: reader.name, refusal: await refusalFor(reader, path, "read"), state };
}
