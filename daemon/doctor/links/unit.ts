import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { failed, type CheckResult, ok, unseen, warning } from "../result.ts";

const answerWithinMs = 3000;
const unitName = "wazuh-dfn.service";

interface UnitFacts {
  /** Whether this machine runs systemd. */
  readonly hasSystemd: boolean;
  /** As `systemctl show` prints them; undefined if it does not answer. */
  readonly properties: ReadonlyMap<string, string> | undefined;
  /** Whether a forwarder answers, however it was started. */
  readonly isAnswering: boolean;
}

export function judgeUnit({ hasSystemd, properties, isAnswering }: UnitFacts): CheckResult[] {
  if (!hasSystemd) {
    if (isAnswering) return [ok("this machine does not use systemd; a forwarder is running")];
    return [
      failed(
        "this machine does not use systemd, and no forwarder is running",
        "wazuh-dfn run &  # or let what starts services here start it",
      ),
    ];
  }
  if (properties === undefined) return [unseen("the units of systemd", `systemctl status ${unitName}`)];
  const of = (name: string): string => properties.get(name) ?? "";
  if (of("LoadState") !== "loaded") {
    const text = `the unit ${unitName} does not exist: nothing starts the forwarder after a reboot`;
    return [(isAnswering ? warning : failed)(text, "wazuh-dfn-install")];
  }
  const results: CheckResult[] = [];
  const state = `${of("ActiveState")} (${of("SubState")})`;
  if (of("ActiveState") !== "active") {
    const remedy = `systemctl start ${unitName}; journalctl -u ${unitName} -n 30`;
    results.push(failed(`${unitName} is ${state}`, remedy));
  }
  if (!["enabled", "enabled-runtime", "static", "linked"].includes(of("UnitFileState"))) {
    results.push(
      warning(`${unitName} is not started at boot (${of("UnitFileState")})`, `systemctl enable ${unitName}`),
    );
  }
  const restarts = Number(of("NRestarts"));
  if (restarts > 0) {
    const text = `${unitName} failed and was restarted ${restarts} times`;
    results.push(warning(text, `journalctl -u ${unitName} -p warning`));
  }
  if (of("NeedDaemonReload") === "yes") {
    results.push(warning(`the file of ${unitName} was changed, but not loaded`, "systemctl daemon-reload"));
  }
  return results.length > 0 ? results : [ok(`${unitName} is ${state}, and started at boot`)];
}

export async function lookAtUnit(isAnswering: boolean): Promise<UnitFacts> {
  // The test that systemd itself recommends: sd_booted(3).
  const hasSystemd = await stat("/run/systemd/system").then(
    (found) => found.isDirectory(),
    () => false,
  );
  return { hasSystemd, properties: hasSystemd ? await show() : undefined, isAnswering };
}

function show(): Promise<ReadonlyMap<string, string> | undefined> {
  const names = "LoadState,ActiveState,SubState,UnitFileState,NRestarts,NeedDaemonReload";
  const options = { timeout: answerWithinMs, killSignal: "SIGKILL", maxBuffer: 65_536 } as const;
  return new Promise((resolve) => {
    execFile("systemctl", ["show", unitName, "--no-pager", "-p", names], options, (error, stdout) => {
      const pairs = stdout.split("\n").map((line) => line.split(/=(.*)/s, 2));
      resolve(error === null ? new Map(pairs.map(([name = "", value = ""]) => [name, value])) : undefined);
    });
  });
}
