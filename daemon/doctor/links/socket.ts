import { type Exchange, sendOnce } from "../../../integration/exchange.ts";
import { withSocket } from "../../os/unix-socket.ts";
import { describe } from "../../errors.ts";
import { type Account, accountNamed, type AccessRefusal, refusalFor } from "../accounts.ts";
import { failed, type CheckResult, ok, unseen, warning } from "../result.ts";
import { makeTestAlert } from "../test-alert.ts";

/** Far more than a healthy forwarder needs. */
const answerWithinMs = 2000;

export interface SocketFacts {
  readonly path: string;
  readonly group: string;
  readonly isTailOn: boolean;
  /** Why integratord's programs cannot access it. */
  readonly refusal: AccessRefusal | undefined;
  readonly wazuh: string;
  /** Whether the settings allow integratord's programs, and the current user; undefined if unknown. */
  readonly allows: { readonly wazuh: boolean | undefined; readonly self: boolean | undefined };
  /** The answer to the test alert; undefined if the current user may not send one. */
  readonly answer: Exchange | undefined;
  readonly alertId: string;
}

/** Whether the forwarder answers on its socket, and integratord's programs can access it. */
export function judgeSocket(facts: SocketFacts): CheckResult[] {
  const { path, refusal, wazuh, answer, alertId, group } = facts;
  const fault = facts.isTailOn ? warning : failed;
  const start = "systemctl start wazuh-dfn && journalctl -u wazuh-dfn -n 20";
  if (refusal?.kind === "absent") return [fault(`${refusal.path} does not exist: no forwarder listens`, start)];
  if (refusal?.kind === "refused") {
    const fix = refusal.path === path ? `chgrp ${group} ${path} && chmod 0660 ${path}` : `chmod o+x ${refusal.path}`;
    const text = `${wazuh} may not write to ${path}: ${refusal.path} does not allow it`;
    return [fault(text, `${fix}  # and see sources.socket.group and .mode`)];
  }
  if (facts.allows.wazuh === false) {
    const text = `integratord's programs run as ${wazuh}, who is not in sources.socket.allow: ${path} refuses every alert`;
    return [fault(text, `add ${wazuh} to sources.socket.allow, then: systemctl reload wazuh-dfn`)];
  }
  if (facts.allows.self === false) return [unseen(`whether the forwarder answers on ${path}: it refuses this user`)];
  if (answer === undefined) return [unseen(`whether the forwarder answers on ${path}`)];
  if (answer.kind === "unanswered") {
    // The path through which the socket was reached means nothing to the administrator.
    return [fault(`${path}: ${answer.reason.replaceAll(/\/proc\/self\/fd\/\d+/g, path)}`, start)];
  }
  const { status, id } = answer.answer;
  if (status === "ignored" && id === alertId) {
    return [ok(`the forwarder answers on ${path}, and ${wazuh} may write to it`)];
  }
  const text = `${path}: the answer to a test alert is "${status} ${id ?? "-"}", not "ignored ${alertId}"`;
  return [warning(text, "wazuh-dfn version  # is that the running version? systemctl restart wazuh-dfn")];
}

export async function lookAtSocket(
  socket: { readonly path: string; readonly group: string; readonly allow: readonly string[] },
  isTailOn: boolean,
  wazuh: Account,
  self: Account,
): Promise<SocketFacts> {
  const { path, group, allow } = socket;
  const allows = { wazuh: await isAllowed(wazuh, allow, wazuh), self: await isAllowed(self, allow, wazuh) };
  const alert = makeTestAlert();
  const mayAsk = (await refusalFor(self, path, "write"))?.kind !== "refused";
  const refusal = await refusalFor(wazuh, path, "write");
  const answer = mayAsk ? await ask(path, alert.line) : undefined;
  return { path, group, isTailOn, refusal, wazuh: wazuh.name, allows, answer, alertId: alert.id };
}

/** Undefined if a name cannot be looked up: directory services have users that are not in /etc/passwd. */
async function isAllowed(
  { uid, name }: Account,
  allow: readonly string[],
  wazuh: Account,
): Promise<boolean | undefined> {
  let areAllKnown = true;
  for (const user of allow) {
    if (user === name || user === String(uid)) return true;
    if (/^\d+$/.test(user)) continue;
    // If no user has this name, the forwarder uses the owner of the manager's sockets.
    const account = (await accountNamed(user)) ?? (user === "wazuh" ? wazuh : undefined);
    if (account?.uid === uid) return true;
    if (account === undefined) areAllKnown = false;
  }
  return areAllKnown ? false : undefined;
}

/** A link in place of the socket is not followed: root writes to the forwarder's socket, or to nothing. */
async function ask(path: string, line: Buffer): Promise<Exchange> {
  try {
    return await withSocket(path, (own) => sendOnce(own, line, answerWithinMs));
  } catch (reason) {
    return { kind: "unanswered", reason: describe(reason) };
  }
}
