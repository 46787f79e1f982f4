import { command } from "../../printable.ts";
import { type Account, may, type Ownership } from "../accounts.ts";
import { failed, type CheckResult, ok, unseen, warning } from "../result.ts";
import { startOfText, statOwn } from "../read.ts";
import { isAbsent } from "../../errors.ts";

export interface CustomDfnFacts {
  readonly path: string;
  /** Absent: there is no such file; unseen: the current user may not see it. */
  readonly file: (Ownership & { readonly isFile: boolean }) | "absent" | "unseen";
  /** Undefined if the current user may not read it. */
  readonly firstLine: string | undefined;
  /** The account that integratord runs it as. */
  readonly wazuh: Account;
}

/**
 * integratord refuses a program that its user may write to, and checks once, when it starts (Wazuh 4.14 source:
 * src/shared/exec_op.c:232-235, src/os_integrator/integrator.c:61-72).
 */
export function judgeCustomDfn({ path, file, firstLine, wazuh }: CustomDfnFacts): CheckResult[] {
  if (file === "unseen") return [unseen(path)];
  if (file === "absent")
    return [failed(`${path} does not exist, so integratord ignores the block`, "wazuh-dfn-install")];
  if (!file.isFile) return [failed(`${path} is not a file`, command`rm -r ${path} && wazuh-dfn-install`)];
  const fix = command`chown root:${wazuh.gids[0] ?? "wazuh"} ${path} && chmod 0750 ${path}`;
  if (may(wazuh, file, "write")) {
    return [failed(`${wazuh.name} may write to ${path}, so integratord refuses to run it (${shown(file)})`, fix)];
  }
  // The interpreter has to read a shell script.
  if (!may(wazuh, file, "execute") || !may(wazuh, file, "read")) {
    return [failed(`${wazuh.name} may not run ${path} (${shown(file)})`, fix)];
  }
  if (firstLine?.endsWith("\r") === true) {
    return [failed(`${path} has DOS line endings, so its first line does not name a program`, "wazuh-dfn-install")];
  }
  if (firstLine !== undefined && !firstLine.startsWith("#!")) {
    return [failed(`${path} is not a script created by wazuh-dfn`, "wazuh-dfn-install")];
  }
  if (file.uid !== 0) {
    const text = `${path} belongs to ${file.uid === wazuh.uid ? wazuh.name : `uid ${file.uid}`}, who can change it`;
    return [warning(`${text} and what integratord runs`, fix)];
  }
  return [ok(`${path} (${shown(file)}) can be run, but not changed, by ${wazuh.name}`)];
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

/** Undefined if it may not be read; the mode is checked in any case. */
async function firstLineOf(path: string): Promise<string | undefined> {
  const text = await startOfText(path, 256).catch(() => undefined);
  return text?.split("\n")[0];
}
