import { Document, isCollection } from "yaml";
import { type DescribedSetting, describedSettings } from "./described.ts";

const heading = `# Configuration of wazuh-dfn.
#
# Two values are required: dfn.customer_id and sink.kafka.brokers. Everything else
# has a default, which is shown after a #. An empty value means the default.
# Any setting can also come from the environment, WAZUH_DFN_SINK__KAFKA__BROKERS=a:9093,
# or from the command line, --set sink.kafka.brokers=a:9093. The command line overrides
# the environment, which overrides this file.
# Durations have a unit (ms, s, m, h, d), and so do sizes (B, KB, KiB, MB, MiB, GB, GiB).
# Relative paths are below the directory in which wazuh-dfn is started.
# Check it with: wazuh-dfn check --config FILE
`;

const maxColumns = 100;

/**
 * What `config sample` prints: every setting of the schema. A line that begins with `#` and a name, without a blank in
 * between, holds a default or an example; prose has a blank.
 */
export function sampleText(): string {
  const sections = describedSettings().map((section) => linesOf(section, "", ""));
  return `${heading}\n${sections.map((lines) => `${lines.join("\n")}\n`).join("\n")}`;
}

/** @param mark `#` within a section that is off by default */
function linesOf(setting: DescribedSetting, indent: string, mark: "" | "#"): string[] {
  const { name, isRequired, preset, example, settings } = setting;
  if (settings === undefined && isRequired && mark === "") {
    return [...commentOf(`${setting.description} Required.`, indent), `${indent}${name}:`];
  }
  const comment = commentOf(setting.description, indent);
  if (settings === undefined || settings.length === 0 || example !== undefined) {
    return [...comment, `${indent}#${name}: ${flowText(preset ?? example)}`];
  }
  const inside = preset === "off" ? "#" : mark;
  return [
    ...comment,
    ...(preset === "off" ? [`${indent}#${name}: off`] : []),
    `${indent}${inside}${name}:`,
    ...settings.flatMap((inner) => linesOf(inner, `${indent}  `, inside)),
  ];
}

function commentOf(description: string, indent: string): string[] {
  const lines: string[] = [];
  let line = `${indent}#`;
  for (const word of description.split(" ")) {
    if (line.length + 1 + word.length > maxColumns) {
      lines.push(line);
      line = `${indent}#`;
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

/** A value as YAML on one line. */
export function flowText(value: unknown): string {
  const document = new Document(value);
  if (isCollection(document.contents)) document.contents.flow = true;
  return document.toString({ lineWidth: 0, flowCollectionPadding: !Array.isArray(value) }).trimEnd();
}
