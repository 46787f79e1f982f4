import { stat } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../../errors.ts";
import { failed, type CheckResult, ok, unseen, warning } from "../result.ts";
import { wholeText } from "../read.ts";
import type { OssecConfState } from "../context.ts";

/** wazuh-control has 20 KB. */
const maxVersionBytes = 1024 * 1024;

/** What identifies a manager. */
interface ManagerFacts {
  readonly home: string;
  /** `4.14.7`; undefined if no file has it, null if the current user may not read it. */
  readonly version: string | undefined | null;
  readonly isThere: boolean;
  readonly ossecConf: OssecConfState["kind"];
  /** Why ossec.conf cannot be read. */
  readonly fault: string | undefined;
}

export function judgeManager({ home, version, isThere, ossecConf, fault }: ManagerFacts): CheckResult[] {
  const remedy = `ls -d /var/ossec ${home}  # and set wazuh.home to where the manager is`;
  if (!isThere) return [failed(`there is no Wazuh manager in ${home}`, remedy)];
  const results = [judgeVersion(home, version)];
  if (ossecConf === "absent") results.push(failed(`${home}/etc/ossec.conf does not exist`, remedy));
  if (ossecConf === "unseen") {
    results.push(unseen(`${home}/etc/ossec.conf`, "usermod -aG wazuh USER  # or run this command as root"));
  }
  if (ossecConf === "broken") {
    const test = `${home}/bin/wazuh-integratord -t  # shows the line; fix it`;
    results.push(failed(`${home}/etc/ossec.conf cannot be read: ${fault ?? ""}`, test));
  }
  return results;
}

function judgeVersion(home: string, version: string | undefined | null): CheckResult {
  if (version === null) return unseen(`the version of the manager in ${home}`);
  if (version === undefined) {
    return warning(`the version of the manager in ${home} is not known`, `${home}/bin/wazuh-control info`);
  }
  const major = Number(version.split(".")[0]);
  if (major === 4) return ok(`Wazuh ${version} in ${home}`);
  const why = major > 4 ? "it writes no alerts.json and runs no integrations" : "only Wazuh 4 is supported";
  return failed(`Wazuh ${version} in ${home}: ${why}`, "# stay with Wazuh 4, or ask for a release for this version");
}

/** Only reads files: `wazuh-control info` would run a program of the manager. */
export async function lookAtManager(home: string, conf: OssecConfState): Promise<ManagerFacts> {
  const fault = conf.kind === "broken" ? conf.reason : undefined;
  const isThere = await stat(home).then(
    (found) => found.isDirectory(),
    (reason: unknown) => errnoOf(reason) === "EACCES",
  );
  return { home, version: await versionOf(home), isThere, ossecConf: conf.kind, fault };
}

/** From `VERSION.json` (Wazuh 4.11 on: src/init/inst-functions.sh), else from the text of wazuh-control. */
async function versionOf(home: string): Promise<string | undefined | null> {
  let isHidden = false;
  for (const [file, pattern] of [
    ["VERSION.json", /"version"\s*:\s*"v?([\d.]+)"/],
    ["bin/wazuh-control", /^VERSION="?v?([\d.]+)/m],
  ] as const) {
    try {
      const version = pattern.exec(await wholeText(join(home, file), maxVersionBytes))?.[1];
      if (version !== undefined) return version;
    } catch (reason) {
      if (errnoOf(reason) === "EACCES") isHidden = true; // Otherwise the other file may have it.
    }
  }
  return isHidden ? null : undefined;
}
