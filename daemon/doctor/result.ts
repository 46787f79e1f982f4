/**
 * - ok: the link works.
 * - unseen: the current user may not see it (root may), or it cannot be seen from here.
 * - warning: it works now, or something else does its work, but it should be fixed.
 * - failed: alerts do not get through here, or will be lost or repeated.
 */
export type CheckState = "ok" | "unseen" | "warning" | "failed";

/** The result of checking one link of the chain. */
export interface CheckResult {
  readonly state: CheckState;
  /** What was found; one line. May contain text from files and other programs. */
  readonly text: string;
  /** A command that fixes it, perhaps with a comment after `#`; absent if there is nothing to fix. */
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
    // Root is not enough: a container, a security module, or something that does not exist.
    return { state: "unseen", text: `${what}: cannot be seen from here`, remedy: remedy ?? "dmesg | grep -i denied" };
  }
  return { state: "unseen", text: `this user may not see ${what}`, remedy: remedy ?? "sudo wazuh-dfn doctor" };
}

/** What even root cannot see from here; the text says why, and the remedy what to do. */
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

/** The worst of several; ok if there are none. */
export function worst(results: readonly CheckResult[]): CheckState {
  return order[Math.max(0, ...results.map(({ state }) => order.indexOf(state)))] ?? "ok";
}
