import { Document, isMap, Scalar, YAMLMap, YAMLSeq } from "yaml";
import type { Target } from "./rule.ts";

/** A value with the old setting that it comes from. */
interface Sourced {
  readonly target: Target;
  readonly from: string;
}

/** The order of the sample. */
const order = ["dfn", "wazuh", "sources", "sink", "status", "log"];

/**
 * Our configuration as YAML, each value with a comment on where it comes from. What is required and did not come is
 * written without a value, so that `check` names its line.
 */
export function printConfig(values: readonly Sourced[]): string {
  const root = new YAMLMap<Scalar>();
  const all: Sourced[] = [...values];
  for (const required of ["dfn.customer_id", "sink.kafka.brokers"]) {
    if (!all.some(({ target: [name] }) => name === required)) all.unshift({ target: [required, ""], from: "" });
  }
  const ranked = all.toSorted((a, b) => rankOf(a) - rankOf(b));
  for (const { target, from } of ranked) put(root, target, from);
  const document = new Document();
  document.contents = root;
  document.commentBefore =
    " Configuration of wazuh-dfn, from the Python daemon's. Every setting: wazuh-dfn config sample";
  return document.toString({ lineWidth: 0, flowCollectionPadding: false, nullStr: "" });
}

function rankOf({ target: [name] }: Sourced): number {
  return order.indexOf(name.split(".")[0] ?? "");
}

function put(root: YAMLMap<Scalar>, [name, value]: Target, from: string): void {
  const steps = name.split(".");
  let at = root;
  for (const step of steps.slice(0, -1)) {
    const found = at.items.find(({ key }) => key.value === step)?.value;
    const next = isMap<Scalar>(found) ? found : new YAMLMap<Scalar>();
    if (next !== found) at.set(new Scalar(step), next);
    at = next;
  }
  const node = typeof value === "string" ? new Scalar(value === "" ? null : value) : listOf(value);
  node.comment = from === "" ? " required; the old settings have none" : ` ${from}`;
  const last = steps.at(-1) ?? "";
  const known = at.items.find(({ key }) => key.value === last);
  // Two old settings may become one: the later one is the more particular.
  if (known === undefined) at.set(new Scalar(last), node);
  else known.value = node;
}

function listOf(items: readonly string[]): YAMLSeq {
  const list = new YAMLSeq();
  list.flow = true;
  for (const item of items) list.add(new Scalar(item));
  return list;
}
