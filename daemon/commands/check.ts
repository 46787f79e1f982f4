import type { Inspection } from "../config/inspect.ts";
import { inspect } from "../config/load.ts";
import { inspectSigningKeys } from "../config/manifest-keys.ts";
import { place, type Problem, problemLine } from "../config/values/problem.ts";
import { checkSystem } from "../config/system-checks.ts";
import { partAt, type Table } from "../config/values/tree.ts";
import { DfnError, exitCodes } from "../errors.ts";
import { printable, toPrintableJson } from "../printable.ts";
import { sinkDefinition } from "../sink-kinds/registry.ts";
import { inspectStatusAccess } from "../status/access-inspection.ts";
import { type Command, configOptions, configOptionsHelp, type Io, parseCommandLine } from "./command.ts";

export const check: Command = {
  name: "check",
  summary: "checks the configuration and everything it names",
  usage: `Reads the configuration, certificates, keys and secrets, checks the files and
directories that it names, and says what is wrong, where, and what to do.
Connects to nothing and changes nothing.

Usage: wazuh-dfn check [--config FILE] [--set NAME=VALUE]... [--json]

${configOptionsHelp}  --json              the problems as one JSON object on standard output

Exit code: 0 valid, perhaps with warnings; 78 invalid.
`,
  async run(args, io) {
    const { values } = parseCommandLine(check, args, { ...configOptions, json: { type: "boolean", default: false } });
    const problems = findProblems(values, io);
    const isInOrder = !problems.some(({ severity }) => severity === "error");
    if (values.json) {
      io.stdout.write(`${toPrintableJson({ ok: isInOrder, problems: problems.map(asJson) }, 2)}\n`);
    } else {
      for (const problem of problems) io.stderr.write(`${printable(problemLine(problem))}\n`);
      if (isInOrder) io.stdout.write(`${values.config} is valid\n`);
    }
    return isInOrder ? 0 : exitCodes.CONFIG;
  },
};

/** Everything that is wrong with the settings and what they name, with its place. Connects to nothing. */
export function findProblems(
  values: { readonly config: string; readonly set: readonly string[] },
  io: Io,
): readonly Problem[] {
  let inspection: Inspection;
  try {
    inspection = inspect({ path: values.config, env: io.env, sets: values.set });
  } catch (error) {
    return [problemOf(error)];
  }
  const { config, problems, tree } = inspection;
  if (config === undefined) return problems;
  const found = [
    ...sinkDefinition(config.sink).check(config.sink, io.env),
    ...inspectStatusAccess(config, Date.now()),
    ...inspectSigningKeys(config),
    ...checkSystem(config),
  ];
  return found.map((problem) => withOrigin(problem, tree));
}

/** Only for a setting that was written somewhere: a default has no place. */
function withOrigin(problem: Problem, tree: Table): Problem {
  const part = partAt(tree, problem.setting?.split(".") ?? []);
  return part === undefined || part === tree ? problem : { ...problem, origin: part.origin };
}

function problemOf(error: unknown): Problem {
  if (!(error instanceof DfnError)) throw error;
  return { severity: "error", message: error.message };
}

function asJson({ severity, setting, origin, message }: Problem) {
  return {
    severity,
    ...(setting === undefined ? {} : { setting }),
    ...(origin === undefined ? {} : { origin: place(origin) }),
    ...(origin?.kind === "file" ? { file: origin.file, line: origin.line } : {}),
    message,
  };
}
