/**
 * - ok: the link works.
 * - unseen: this user may not look (root may), or it cannot be seen from here.
 * - warning: it works now, or another way stands in for it, and something should be mended.
 * - failed: alerts do not get through here, or will be lost or repeated.
 */
export type CheckState = "ok" | "unseen" | "warning" | "failed";

/** What was found about one link of the chain. */
export interface CheckResult {
  readonly state: CheckState;
  /** What is so; one line. May hold text from files and other programs. */
  readonly text: string;
  /** A command that mends it, perhaps with a comment behind `#`; absent where there is nothing to mend. */
  readonly remedy?: string;
}

export interface LinkResult extends CheckResult {
  readonly link: string;
}

export function ok(text: string): CheckResult {
  return { state: "ok", text };
}

/** @param what as in `the position of integratord` */
export function unseen(what: string, remedy?: string, isRoot = process.geteuid?.() === 0): CheckResult {
  if (isRoot) {
    // Not a matter of the user: a container, a security module, or something that is not there.
    return { state: "unseen", text: `${what}: cannot be seen from here`, remedy: remedy ?? "dmesg | grep -i denied" };
  }
  return { state: "unseen", text: `this user may not see ${what}`, remedy: remedy ?? "sudo wazuh-dfn doctor" };
}

/** What even root cannot see from here: the text says why, and what to do about it. */
export function unknown(text: string, remedy: string): CheckResult {
  return { state: "unseen", text, remedy };
}

export function warning(text: string, remedy: string): CheckResult {
  return { state: "warning", text, remedy };
}

export function failed(text: string, remedy: string): CheckResult {
  return { state: "failed", text, remedy };
}

const order: readonly CheckState[] = ["ok", "unseen", "warning", "failed"];

/** The worst of several; ok when there are none. */
export function worst(results: readonly CheckResult[]): CheckState {
  return order[Math.max(0, ...results.map(({ state }) => order.indexOf(state)))] ?? "ok";
}
