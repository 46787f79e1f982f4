import { Document, isMap, type Node, Scalar, YAMLMap, YAMLSeq } from "yaml";
import { printable, printableLines } from "../printable.ts";
import { passwordVariable } from "./sections/kafka.ts";
import { isSection, mask, type PrintedSettings, type Setting } from "./values/printed.ts";
import { place } from "./values/problem.ts";
import { partAt, type Table } from "./values/tree.ts";

/** The settings as YAML, with a comment at each that says where it was written. */
export function printYaml(settings: PrintedSettings, tree: Table): string {
  const origins = originsOf(settings, tree);
  const document = new Document();
  document.contents = nodeOf(settings, "", origins);
  // Wider than any line: a value and its comment stay on one.
  return printableLines(document.toString({ lineWidth: 0, flowCollectionPadding: false }));
}

/**
 * Where each setting was written: `default`, `config.yaml:12`, `environment variable X` or `--set x`, by its name in
 * dots.
 */
export function originsOf(settings: PrintedSettings, tree: Table): Map<string, string> {
  const origins = new Map<string, string>();
  const visit = (value: Setting, path: readonly string[]): void => {
    if (isSection(value)) {
      for (const [name, entry] of Object.entries(value)) visit(entry, [...path, name]);
      return;
    }
    const part = partAt(tree, path);
    const written = part !== undefined && !(part.kind === "text" && part.text === "");
    const secret = value === mask ? `environment variable ${passwordVariable}` : "default";
    origins.set(path.join("."), written ? place(part.origin) : secret);
  };
  visit(settings, []);
  return origins;
}

function nodeOf(value: Setting, name: string, origins: ReadonlyMap<string, string>): Node {
  if (isSection(value)) {
    const map = new YAMLMap<Scalar, Node>();
    for (const [key, entry] of Object.entries(value)) {
      map.set(new Scalar(key), nodeOf(entry, name === "" ? key : `${name}.${key}`, origins));
    }
    return map;
  }
  const node = typeof value === "object" ? listOf(value) : scalarOf(value);
  const origin = origins.get(name);
  if (origin !== undefined && !isMap(node)) node.comment = ` ${origin}`;
  return node;
}

function listOf(items: readonly (string | number)[]): YAMLSeq {
  const list = new YAMLSeq();
  list.flow = true;
  for (const item of items) list.add(scalarOf(item));
  return list;
}

/** What could steer a terminal is written as an escape, which YAML has in double quotes alone. */
function scalarOf(value: string | number): Scalar {
  const scalar = new Scalar(value);
  if (typeof value === "string" && printable(value) !== value) scalar.type = Scalar.QUOTE_DOUBLE;
  return scalar;
}
