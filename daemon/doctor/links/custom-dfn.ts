import { command } from "../../printable.ts";
import { type Account, may, type Ownership } from "../accounts.ts";
import { failed, type CheckResult, ok, unseen, warning } from "../result.ts";
import { startOfText, statOwn } from "../read.ts";
import { isAbsent } from "../../errors.ts";

export interface CustomDfnFacts {
  readonly path: string;
  /** Absent: there is no such file; unseen: this user may not look. */
  readonly file: (Ownership & { readonly isFile: boolean }) | "absent" | "unseen";
  /** Undefined where this user may not read it. */
  readonly firstLine: string | undefined;
  /** Who integratord runs it as. */
  readonly wazuh: Account;
}

/**
 * integratord refuses a program that its user may write, and looks for it once, at its start (Wazuh 4.14 source:
 * src/shared/exec_op.c:232-235, src/os_integrator/integrator.c:61-72).
 */
export function judgeCustomDfn({ path, file, firstLine, wazuh }: CustomDfnFacts): CheckResult[] {
  if (file === "unseen") return [unseen(path)];
  if (file === "absent")
    return [failed(`${path} does not exist, so integratord leaves the block out`, "wazuh-dfn-install")];
  if (!file.isFile) return [failed(`${path} is no file`, command`rm -r ${path} && wazuh-dfn-install`)];
  const mend = command`chown root:${wazuh.gids[0] ?? "wazuh"} ${path} && chmod 0750 ${path}`;
  if (may(wazuh, file, "write")) {
    return [failed(`${wazuh.name} may write ${path}, so integratord refuses to run it (${shown(file)})`, mend)];
  }
  // A shell script, too, is read by its interpreter.
  if (!may(wazuh, file, "execute") || !may(wazuh, file, "read")) {
    return [failed(`${wazuh.name} may not run ${path} (${shown(file)})`, mend)];
  }
  if (firstLine?.endsWith("\r") === true) {
    return [failed(`${path} has DOS line ends, so its first line names no program`, "wazuh-dfn-install")];
  }
  if (firstLine !== undefined && !firstLine.startsWith("#!")) {
    return [failed(`${path} is no script that wazuh-dfn has made`, "wazuh-dfn-install")];
  }
  if (file.uid !== 0) {
    const text = `${path} belongs to ${file.uid === wazuh.uid ? wazuh.name : `uid ${file.uid}`}, who can change it`;
    return [warning(`${text} and what integratord runs`, mend)];
  }
  return [ok(`${path} (${shown(file)}) can be run by ${wazuh.name}, and not changed`)];
}

function shown({ uid, gid, mode }: Ownership): string {
  return `mode ${(mode & 0o7777).toString(8).padStart(4, "0")}, owner ${uid}:${gid}`;
}

export async function lookAtCustomDfn(path: string, wazuh: Account): Promise<CustomDfnFacts> {
  try {
    const found = await statOwn(path);
    const file = { uid: Number(found.uid), gid: Number(found.gid), mode: Number(found.mode), isFile: found.isFile() };
    return { path, file, firstLine: found.isFile() ? await firstLineOf(path) : undefined, wazuh };
  } catch (reason) {
    return { path, file: isAbsent(reason) ? "absent" : "unseen", firstLine: undefined, wazuh };
  }
}

/** Undefined where it may not be read; the mode is judged in any case. */
async function firstLineOf(path: string): Promise<string | undefined> {
  const text = await startOfText(path, 256).catch(() => undefined);
  return text?.split("\n")[0];
}
