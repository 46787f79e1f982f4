import type { StatusSnapshot } from "../../status/facts.ts";
import { failed, type CheckResult, ok, warning } from "../result.ts";

/** What the forwarder says of itself, or why it says nothing. */
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
    // What answers may be anybody's words: they are not put into a command, not as a comment either.
    warning(`${subject}: ${text}${remedy === "" ? "" : `; ${remedy}`}`, "wazuh-dfn status"),
  );
  if (version !== ownVersion) {
    const text = `version ${version} runs (pid ${pid}), and ${ownVersion} is installed`;
    results.push(warning(text, "systemctl restart wazuh-dfn"));
  }
  const reported = health.reasons.some(({ subject }) => subject.startsWith("dead letters"));
  // What somebody has acknowledged is not a fault any more. Of an older forwarder it is not known.
  if (!reported && deadLetters.entries > (deadLetters.acknowledged ?? 0)) {
    const text = `${deadLetters.entries} dead letters are in the store`;
    results.push(warning(text, "wazuh-dfn dead-letter list"));
  }
  return results.length > 0 ? results : [ok(`wazuh-dfn ${version} runs (pid ${pid}) and finds nothing wrong`)];
}
