import type { Snapshot } from "../../status/facts.ts";
import { failed, type Judgement, ok, warning } from "../judgement.ts";

/** What the forwarder says of itself, or why it says nothing. */
export type ForwarderFacts =
  | { readonly kind: "answers"; readonly snapshot: Snapshot; readonly ownVersion: string }
  | { readonly kind: "silent"; readonly reason: string };

export function judgeForwarder(facts: ForwarderFacts): Judgement[] {
  if (facts.kind === "silent") {
    return [failed(facts.reason, "systemctl start wazuh-dfn && journalctl -u wazuh-dfn -n 30")];
  }
  const { snapshot, ownVersion } = facts;
  const { version, pid, health, deadLetters } = snapshot;
  const judgements = health.reasons.map(({ subject, text, remedy }) =>
    warning(`${subject}: ${text}`, remedy === "" ? "wazuh-dfn status" : `wazuh-dfn status  # ${remedy}`),
  );
  if (version !== ownVersion) {
    const text = `version ${version} runs (pid ${pid}), and ${ownVersion} is installed`;
    judgements.push(warning(text, "systemctl restart wazuh-dfn"));
  }
  if (deadLetters.entries > 0) {
    const text = `${deadLetters.entries} dead letters are in the store`;
    judgements.push(warning(text, "wazuh-dfn dead-letter list"));
  }
  return judgements.length > 0 ? judgements : [ok(`wazuh-dfn ${version} runs (pid ${pid}) and finds nothing wrong`)];
}
