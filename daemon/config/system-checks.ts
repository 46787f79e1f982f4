import { accessSync, constants, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { describe, errnoOf, isAbsent } from "../errors.ts";
import type { Config } from "./schema.ts";
import type { Problem } from "./values/problem.ts";

/**
 * What the settings name on this machine, but for the sink (see `SinkDefinition.check`), and what the user who asks may do with it. All are warnings: the forwarder may
 * run as another user, and what is missing may still come.
 */
export function checkSystem(config: Config): Problem[] {
  const { sources, status, wazuh } = config;
  const problems = checkWritable("state_dir", config.stateDir, "the directory of the state");
  if (sources.tail !== undefined) problems.push(...alertsReadable(sources.tail.path));
  if (sources.socket !== undefined) {
    problems.push(...checkWritable("sources.socket.path", dirname(sources.socket.path), "the directory of the socket"));
  }
  if (status.listen.kind === "unix") {
    problems.push(...checkWritable("status.listen", dirname(status.listen.path), "the directory of the socket"));
  }
  if (wazuh.feedback !== "off" && wazuh.queue.kind === "unix") problems.push(...queueWritable(wazuh.queue.path));
  return problems;
}

/** Whether a directory can be written. One that does not exist is made by the forwarder if it may write into the one above. */
export function checkWritable(setting: string, directory: string, what: string): Problem[] {
  let nearest = resolve(directory);
  while (refused(nearest, constants.F_OK) === absent && nearest !== dirname(nearest)) nearest = dirname(nearest);
  const refusal = refusedDirectory(nearest);
  if (refusal === undefined) return [];
  if (nearest === resolve(directory)) {
    const remedy = "give the forwarder's user a directory of its own";
    return [warning(setting, `${what}, ${directory}, ${refusal}; ${remedy}`)];
  }
  const remedy = `create it for the forwarder's user: install -d -o USER ${directory}`;
  return [warning(setting, `${what}, ${directory}, does not exist, and ${nearest} ${refusal}; ${remedy}`)];
}

function refusedDirectory(directory: string): string | undefined {
  const refusal = refused(directory, constants.F_OK);
  if (refusal === undefined && !statSync(directory).isDirectory()) return "is not a directory";
  const user = refusal ?? refused(directory, constants.W_OK | constants.X_OK);
  return user === undefined ? undefined : `may not be written ${user}`;
}

function alertsReadable(path: string): Problem[] {
  const refusal = refused(path, constants.R_OK);
  if (refusal === undefined) return [];
  const remedy =
    refusal === absent
      ? "is wazuh.home right, and jsonout_output on in the manager's ossec.conf? The forwarder waits for it"
      : "the forwarder's user must be in the manager's group: usermod -aG wazuh USER";
  return [
    warning("sources.tail.path", `${path} ${refusal === absent ? refusal : `may not be read ${refusal}`}; ${remedy}`),
  ];
}

function queueWritable(path: string): Problem[] {
  const refusal = refused(path, constants.W_OK);
  if (refusal === undefined) return [];
  const what = refusal === absent ? refusal : `may not be written ${refusal}`;
  const remedy = "is the manager running, and wazuh.home (or wazuh.queue) right? feedback: off does without it";
  return [warning("wazuh.feedback", `Wazuh's queue socket, ${path}, ${what}; ${remedy}`)];
}

const absent = "does not exist";

/** Undefined: allowed. Else who is refused, or `absent`. */
function refused(path: string, mode: number): string | undefined {
  try {
    accessSync(path, mode);
    return undefined;
  } catch (error) {
    if (isAbsent(error)) return absent;
    const user = `by this user (uid ${process.getuid?.() ?? "unknown"})`;
    return errnoOf(error) === "EACCES" ? user : `${user}: ${describe(error)}`;
  }
}

function warning(setting: string, message: string): Problem {
  return { severity: "warning", setting, message };
}
