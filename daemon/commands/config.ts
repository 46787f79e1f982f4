import { DfnError } from "../errors.ts";
import { inspect, wrongSettings } from "../config/load.ts";
import { nearest } from "../config/nearest.ts";
import { originsOf, printYaml } from "../config/print.ts";
import { sampleText } from "../config/sample.ts";
import { editorSchema } from "../config/editor-schema.ts";
import { printedSettings } from "../config/schema.ts";
import { toPrintableJson } from "../printable.ts";
import { migrateConfig, migrateHelp, migrateOptionsHelp, migrateUsage } from "./config-migrate.ts";
import { type Command, configOptions, configOptionsHelp, type Io, parseCommandLine } from "./command.ts";

const actions = ["sample", "print", "schema", "migrate"];

export const config: Command = {
  name: "config",
  summary: "prints a sample, the settings in effect or a JSON Schema; migrates old ones",
  usage: `Prints a commented sample of the configuration, or the settings in effect, or
a JSON Schema for editors, or translates the configuration of the Python daemon.

Usage: wazuh-dfn config sample
       wazuh-dfn config print [--config FILE] [--set NAME=VALUE]... [--json]
       wazuh-dfn config schema
${migrateUsage}

  sample    every setting with its default, as a file to start from
  print     the settings in effect, and where each was written; secrets are
            masked
  schema    a JSON Schema of the file, with which an editor completes and checks it
${migrateHelp}
${configOptionsHelp}${migrateOptionsHelp}  --json              print: settings and origins as one JSON object; migrate: all as
                      one JSON object
`,
  async run(args, io) {
    if (args[0] === "migrate") return migrateConfig(args.slice(1), io);
    const options = { ...configOptions, json: { type: "boolean", default: false } } as const;
    const { values, positionals } = parseCommandLine(config, args, options, { min: 1, max: 1 });
    const action = positionals[0] ?? "";
    if (action === "sample") io.stdout.write(sampleText());
    else if (action === "print") print(values, io);
    else if (action === "schema") io.stdout.write(`${JSON.stringify(editorSchema(), undefined, 2)}\n`);
    else throw unknownAction(action);
    return 0;
  },
};

function print(values: { readonly config: string; readonly set: readonly string[]; readonly json: boolean }, io: Io) {
  const { config, tree, problems } = inspect({ path: values.config, env: io.env, sets: values.set });
  if (config === undefined) throw wrongSettings(values.config, problems);
  const settings = printedSettings(config);
  io.stdout.write(
    values.json
      ? `${toPrintableJson({ settings, origins: Object.fromEntries(originsOf(settings, tree)) }, 2)}\n`
      : printYaml(settings, tree),
  );
}

function unknownAction(action: string): DfnError {
  const meant = nearest(action, actions);
  const hint = meant === undefined ? `there are: ${actions.join(", ")}` : `did you mean ${meant}?`;
  return new DfnError("USAGE", `config: there is no "${action}"; ${hint}`);
}
