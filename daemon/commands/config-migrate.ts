import { migrate, type Fate } from "../migrate/migrate.ts";
import type { FateKind } from "../migrate/rule.ts";
import { problemLine } from "../config/values/problem.ts";
import { readSmallText } from "../config/small-file.ts";
import { DfnError, exitCodes } from "../errors.ts";
import { groupId } from "../sources/socket/socket-source.ts";
import { type Io, parseCommandLine } from "./command.ts";
import { printable, toPrintableJson } from "../printable.ts";
import { writeNewFile } from "./new-file.ts";

/** The group that the unit runs the forwarder as. */
const forwarderGroup = "wazuh";

const words: Readonly<Record<FateKind, string>> = {
  taken: "taken over",
  "not-needed": "not needed",
  "by-hand": "by hand",
  unknown: "unknown",
};

/** For the text of `config --help`. */
export const migrateUsage = `       wazuh-dfn config migrate OLD [--output FILE] [--json]`;

export const migrateHelp = `  migrate   translates the Python daemon's configuration OLD (YAML, or TOML if it
            ends in .toml) and its environment variables: writes the new
            configuration to standard output, and what became of each setting
            to standard error. Exit code 65 if something, which is named, is
            left to be done by hand.
`;

const options = {
  output: { type: "string" },
  json: { type: "boolean", default: false },
} as const;

export const migrateOptionsHelp = `  --output FILE       migrate: write to a new file, with mode 0640 and, as root,
                      for group wazuh; its directory is created if it is missing; an
                      existing file is never overwritten
`;

/** `config migrate`. @returns the exit code @throws DfnError */
export async function migrateConfig(args: readonly string[], io: Io): Promise<number> {
  const name = { name: "config migrate" };
  const { values, positionals } = parseCommandLine(name, args, options, { min: 1, max: 1 });
  const [file = ""] = positionals;
  const text = readSmallText(
    file,
    "the Python daemon's configuration",
    "name the file that the Python daemon is started with",
  );
  const { output } = values;
  const migration = migrate({ text, file, env: io.env, result: output ?? "standard output" });
  const { fates, problems } = migration;
  if (migration.text === "") {
    throw new DfnError("DATA", `${file} cannot be read as settings:\n  ${problems.map(problemLine).join("\n  ")}`);
  }
  const written = output === undefined ? [] : [await writeConfig(output, migration.text)];
  if (output === undefined && !values.json) io.stdout.write(migration.text);
  const isDone = problems.length === 0 && !fates.some(({ kind }) => kind === "by-hand" || kind === "unknown");
  if (values.json) {
    const found = problems.map(problemLine);
    io.stdout.write(
      `${toPrintableJson({ done: isDone, config: migration.text, settings: fates, problems: found }, 2)}\n`,
    );
  } else {
    const lines = [...fates.flatMap(linesOf), ...problems.map((problem) => `still wrong: ${problemLine(problem)}`)];
    lines.push(...written);
    lines.push(isDone ? "done: every setting is dealt with" : "something is left to be done by hand, see above");
    io.stderr.write(`${lines.map(printable).join("\n")}\n`);
  }
  return isDone ? 0 : exitCodes.DATA;
}

function linesOf({ setting, value, origin, kind, becomes, why }: Fate): string[] {
  const head = `${words[kind].padEnd(10)}  ${setting} = ${value === "" ? "(nothing)" : value}  [${origin}]`;
  const ours = becomes.length === 0 ? [] : [`-> ${becomes.join("; ")}`];
  return [head, ...[...ours, ...(why === "" ? [] : [why])].map((line) => `${" ".repeat(12)}${line}`)];
}

async function writeConfig(path: string, text: string): Promise<string> {
  const gid = await groupId(forwarderGroup);
  const isRoot = process.geteuid?.() === 0;
  writeNewFile(path, text, isRoot ? gid : undefined);
  if (isRoot && gid !== undefined)
    return `written to ${path}, which group ${forwarderGroup} may read, as the forwarder`;
  return `written to ${path}; the forwarder can read it once its group may: chgrp ${forwarderGroup} ${path}`;
}
