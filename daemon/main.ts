/** The command line: picks one command of commands/, and turns what it throws into a message and an exit code. */
import { asksForHelp, overview, unknownCommand } from "./commands/help.ts";
import type { Command, Io } from "./commands/command.ts";
import { say } from "./commands/say.ts";
import { DfnError, errnoOf, exitCodes } from "./errors.ts";

/** Each command is loaded only when needed, so that `version` does not wait for a Kafka client. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import("./commands/run.ts")).run,
  replay: async () => (await import("./commands/replay.ts")).replay,
  "dead-letter": async () => (await import("./commands/dead-letter/command.ts")).deadLetter,
  explain: async () => (await import("./commands/explain.ts")).explainCommand,
  audit: async () => (await import("./commands/audit/audit.ts")).auditCommand,
  test: async () => (await import("./commands/test.ts")).testCommand,
  status: async () => (await import("./commands/status.ts")).status,
  top: async () => (await import("./commands/top/top.ts")).top,
  tap: async () => (await import("./commands/tap/tap.ts")).tap,
  doctor: async () => (await import("./commands/doctor.ts")).doctor,
  check: async () => (await import("./commands/check.ts")).check,
  verify: async () => (await import("./commands/verify/verify.ts")).verifyCommand,
  manifest: async () => (await import("./commands/manifest.ts")).manifestCommand,
  config: async () => (await import("./commands/config.ts")).config,
  version: async () => (await import("./commands/version.ts")).versionCommand,
};

/** EX_SOFTWARE of sysexits.h: a fault of the program, not of its environment. */
const softwareFault = 70;

async function dispatch(args: readonly string[], io: Io): Promise<number> {
  const [word, ...rest] = args;
  if (word === undefined) {
    io.stderr.write(await listing());
    return exitCodes.USAGE;
  }
  if (word === "help" && rest[0] !== undefined) return dispatch([rest[0], "--help"], io);
  if (word === "help" || word === "--help" || word === "-h") {
    io.stdout.write(await listing());
    return 0;
  }
  const name = word === "--version" ? "version" : word;
  const loadCommand = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (loadCommand === undefined) throw unknownCommand(name, [...Object.keys(commands), "help"]);
  const command = await loadCommand();
  if (asksForHelp(rest)) {
    io.stdout.write(command.usage);
    return 0;
  }
  return command.run(rest, io);
}

async function listing(): Promise<string> {
  const all = await Promise.all(Object.values(commands).map((loadCommand) => loadCommand()));
  return overview(all);
}

/** Prints what was thrown, and returns the exit code for it. */
function report(error: unknown): number {
  if (error instanceof DfnError) {
    say(process.stderr, error.message);
    return error.exitCode;
  }
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  say(process.stderr, `a bug in wazuh-dfn, please report it: ${trace}`);
  return softwareFault;
}

process.stdout.on("error", (error) => {
  // That the reader of a pipe has seen enough (`| head`) is not an error; a full disk behind `>` is one.
  if (errnoOf(error) === "EPIPE") return;
  process.exitCode = report(new DfnError("IO", `standard output: ${error.message}`));
});

void dispatch(process.argv.slice(2), { stdout: process.stdout, stderr: process.stderr, env: process.env }).then(
  (code) => {
    process.exitCode ??= code;
  },
  (error: unknown) => {
    process.exitCode = report(error);
  },
);
