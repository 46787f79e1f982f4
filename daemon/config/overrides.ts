import { nearest } from "./nearest.ts";
import { passwordVariable } from "./sections/kafka.ts";
import { type Problem, inQuotes } from "./values/problem.ts";
import { mostDepth, put, type Table } from "./values/tree.ts";

const prefix = "WAZUH_DFN_";

/**
 * Lays the environment over the tree: `WAZUH_DFN_SINK__KAFKA__BROKERS` is `sink.kafka.brokers`. A variable without `__`
 * counts only when it names a setting at the top; others with this prefix may belong to something else.
 * @param top the names at the top, for the last rule
 */
export function putEnvironment(
  tree: Table,
  env: Readonly<Record<string, string | undefined>>,
  top: readonly string[],
): Problem[] {
  const problems: Problem[] = [];
  // Sorted, so that SINK__KAFKA comes before SINK__KAFKA__BROKERS and the result does not depend on their order.
  for (const variable of Object.keys(env).toSorted()) {
    const text = env[variable];
    if (!variable.startsWith(prefix) || text === undefined || variable === passwordVariable) continue;
    const path = variable.slice(prefix.length).toLowerCase().split("__");
    const first = path[0] ?? "";
    const origin = { kind: "environment", variable } as const;
    if (path.length > mostDepth) {
      problems.push({ severity: "error", origin, message: "unknown setting: too many __" });
      continue;
    }
    if (path.length === 1 && !top.includes(first)) {
      const meant = nearest(first, top);
      if (meant === undefined) continue;
      const message = `unknown setting; did you mean ${prefix}${meant.toUpperCase()}?`;
      problems.push({ severity: "error", origin, message });
      continue;
    }
    put(tree, path, { kind: "text", text: text.trim(), origin });
  }
  return problems;
}

/** Lays `--set` options (`sink.kafka.brokers=a:1,b:2`) over the tree, in their order. */
export function putOptions(tree: Table, sets: readonly string[]): Problem[] {
  const problems: Problem[] = [];
  for (const set of sets) {
    const equals = set.indexOf("=");
    const name = equals < 0 ? set : set.slice(0, equals).trim();
    if (equals < 0 || !/^\w+(\.\w+){0,9}$/.test(name)) {
      // Without its name it cannot be known whether the text is a secret, so it is not repeated in full.
      const message = `--set ${inQuotes(name.slice(0, 40))}: write NAME=VALUE, for instance --set log.level=debug`;
      problems.push({ severity: "error", message });
      continue;
    }
    const origin = { kind: "option", name } as const;
    put(tree, name.split("."), { kind: "text", text: set.slice(equals + 1).trim(), origin });
  }
  return problems;
}
