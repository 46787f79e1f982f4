/** Writes `docs/settings.md` and `docs/manifest.schema.json` from the schemas in the source: `npm run settings`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { type DescribedSetting, describedSettings } from "../daemon/config/described.ts";
import { flowText } from "../daemon/config/sample.ts";
import { manifestSchema } from "../daemon/manifest/manifest.ts";
import { repositoryRoot } from "./repository.ts";

const heading = `# Settings

Every setting of the configuration file, with its default. \`wazuh-dfn config sample\` prints the same as a file to start
from, and \`wazuh-dfn config schema\` as a JSON Schema for editors.

This page is made from the schema in \`daemon/config/sections\` by \`npm run settings\`.
`;

/** The text of the page, as prettier leaves it. */
export async function settingsPage(): Promise<string> {
  const parts = describedSettings().map((setting) => partOf(setting).join("\n"));
  return format([heading, ...parts].join("\n\n"), { parser: "markdown", printWidth: 120 });
}

/** The text of the JSON Schema of manifests, as prettier leaves it. */
export async function manifestSchemaText(): Promise<string> {
  return format(JSON.stringify(manifestSchema()), { parser: "json", printWidth: 120 });
}

function partOf(setting: DescribedSetting): string[] {
  const { name, description, settings } = setting;
  if (settings === undefined) return [`## \`${name}\``, "", linesOf(setting, "").join("\n")];
  return [`## \`${name}\``, "", description, "", ...settings.flatMap((inner) => linesOf(inner, `${name}.`))];
}

function linesOf(setting: DescribedSetting, prefix: string): string[] {
  const { name, description, settings } = setting;
  const line = `- \`${prefix}${name}\`${remark(setting)}: ${escaped(description)}`;
  return [line, ...(settings ?? []).flatMap((inner) => linesOf(inner, `${prefix}${name}.`))];
}

function remark({ isRequired, preset }: DescribedSetting): string {
  if (isRequired) return " (required)";
  return preset === undefined ? "" : ` (default \`${flowText(preset)}\`)`;
}

/** Without marks that Markdown would take for its own. */
function escaped(text: string): string {
  return text.replaceAll(/[*<>[\]|]/g, String.raw`\$&`);
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(join(repositoryRoot, "docs/settings.md"), await settingsPage());
  writeFileSync(join(repositoryRoot, "docs/manifest.schema.json"), await manifestSchemaText());
}
