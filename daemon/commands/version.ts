// Does not import command.ts, which loads the whole configuration: this command answers at once.
import { parseCommandLine } from "./command-line.ts";
import type { Command } from "./command.ts";

/** Inserted by the bundler, from package.json. */
declare const __VERSION__: string | undefined;

/** The version of the bundle, or `unbundled` if the compiled files run as they are. */
export const productVersion: string = typeof __VERSION__ === "string" ? __VERSION__ : "unbundled";

export const versionCommand: Command = {
  name: "version",
  summary: "prints the version, Node's version and the platform",
  usage: `Prints the version, Node's version and the platform.

Usage: wazuh-dfn version [--json]

  --json    as one JSON object
`,
  async run(args, io) {
    const { values } = parseCommandLine(versionCommand, args, { json: { type: "boolean", default: false } });
    const facts = {
      version: productVersion,
      node: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
    };
    io.stdout.write(
      values.json
        ? `${JSON.stringify(facts)}\n`
        : `wazuh-dfn ${facts.version}, Node ${facts.node}, ${facts.platform}\n`,
    );
    return 0;
  },
};
