import type { StatusSnapshot } from "../../status/facts.ts";
import { failed, type CheckResult, ok, warning } from "../result.ts";

/** The status of the forwarder, or why it does not answer. */
export type ForwarderFacts =
  | { readonly kind: "answers"; readonly snapshot: StatusSnapshot; readonly ownVersion: string }
  | { readonly kind: "silent"; readonly reason: string };

export function judgeForwarder(facts: ForwarderFacts): CheckResult[] {
  if (facts.kind === "silent") {
    return [failed(facts.reason, "systemctl start wazuh-dfn && journalctl -u wazuh-dfn -n 30")];
  }
  const { snapshot, ownVersion } = facts;
  const { version, pid, health, deadLetters } = snapshot;
  const results = health.reasons.map(({ subject, text, remedy }) =>
    // The texts may come from anybody who answers there: they do not go into a command, not even as a comment.
    warning(`${subject}: ${text}${remedy === "" ? "" : `; ${remedy}`}`, "wazuh-dfn status"),
  );
  if (version !== ownVersion) {
    const text = `version ${version} is running (pid ${pid}), but ${ownVersion} is installed`;
    results.push(warning(text, "systemctl restart wazuh-dfn"));
  }
  const reported = health.reasons.some(({ subject }) => subject.startsWith("dead letters"));
  // Acknowledged entries are no longer a fault. An older forwarder does not report them.
  if (!reported && deadLetters.entries > (deadLetters.acknowledged ?? 0)) {
    const text = `${deadLetters.entries} dead letters are in the store`;
    results.push(warning(text, "wazuh-dfn dead-letter list"));
  }
  return results.length > 0 ? results : [ok(`wazuh-dfn ${version} is running (pid ${pid}) and finds nothing wrong`)];
}
