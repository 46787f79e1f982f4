import { Relevance } from "../delivery/relevance.ts";
import { DfnError } from "../errors.ts";
import { usageError } from "./command-line.ts";
import { statIfPresent } from "../disk/file-stat.ts";
import { Expectation } from "../explain/expectation.ts";
import { maxDifferentRecords } from "../explain/record-set.ts";
import { changesOf, Trial, TrialTotals } from "../explain/trial.ts";
import { replayedName, replayFile, type ReplayIntake } from "../sources/replay/replay.ts";
import {
  type Command,
  configOptions,
  configOptionsHelp,
  loadConfig,
  maxLineBytes,
  parseCommandLine,
} from "./command.ts";
import { replayInputs } from "./replay-inputs.ts";
import { say } from "./say.ts";
import { TestOutput, type TestedFile } from "./test-output.ts";

export const testCommand: Command = {
  name: "test",
  summary: "runs alerts through a configuration: what would be sent, what changes",
  usage: `Runs the alerts of files through a configuration and counts what would become of them, by handler and verdict.
Nothing is sent, no state is touched, and no forwarder is needed.

Usage: wazuh-dfn test [options] FILE...

  FILE                plain, gzip, xz, bzip2 or zstd (the last three with the system's programs); - for standard input
  --config NEW        the configuration that is tested
  --against OLD       show, alert by alert, what changes from this configuration to the tested one
  --expect RECORDS    compare with these records, one JSON object a line as the file sink writes them: topic, key,
                      handler, id, node and value have to be the same, as often, in any order; at most
                      ${maxDifferentRecords} different ones
  --json              as one JSON object
${configOptionsHelp}
Exit code: 0; 1 if --against shows a change, or --expect a difference; that of replay for a file that cannot be read whole.
`,
  async run(args, io) {
    const options = {
      ...configOptions,
      against: { type: "string" },
      expect: { type: "string" },
      json: { type: "boolean", default: false },
    } as const;
    const { values, positionals } = parseCommandLine(testCommand, args, options, { min: 1, max: 10_000 });
    const config = loadConfig(values, io);
    const trial = new Trial(config, maxLineBytes(config));
    const oldConfig = values.against === undefined ? undefined : loadConfig({ config: values.against, set: [] }, io);
    const old = oldConfig === undefined ? undefined : new Trial(oldConfig, maxLineBytes(oldConfig));
    const longest = Math.max(maxLineBytes(config), oldConfig === undefined ? 0 : maxLineBytes(oldConfig));
    const inputs = replayInputs(
      positionals.map((path) => ({ path, from: 0 })),
      undefined,
    );
    const expectation = values.expect === undefined ? undefined : await expectationIn(values.expect);
    const output = new TestOutput(io.stdout, values.json);
    const totals = new TrialTotals(trial.handlers);
    // A line that one of the two looks at is given to both.
    const relevance = new Relevance(
      [trial, ...(old === undefined ? [] : [old])].flatMap((one) => one.handlers.flatMap(({ needles }) => needles)),
    );
    const take = (file: string, offset: number, line: Buffer, length: number): void => {
      const outcomes = trial.of(line, length);
      totals.add(outcomes);
      if (old !== undefined) {
        for (const change of changesOf(line, old, old.of(line, length), trial, outcomes)) {
          output.finding({ kind: "change", file, offset, change });
        }
      }
      for (const record of outcomes.flatMap(({ records }) => records)) {
        if (expectation?.met(record) === false) output.finding({ kind: "unexpected", file, offset, record });
      }
    };
    const intake: ReplayIntake = {
      next: (bytes, from, end) => relevance.next(bytes, from, end),
      ignored: (lines) => totals.passedBy(lines),
      deliver(bytes, { file, offset, length }) {
        take(file, offset, bytes, length);
        return trial.judge.relevance.matches(bytes);
      },
      overLong: (head, { file, offset, length }) => take(file, offset, head, length),
      room: () => output.room(),
    };
    const files: TestedFile[] = [];
    let failure: DfnError | undefined;
    const wording = { command: "test", done: "counts", again: undefined };
    for (const input of inputs) {
      if (output.closed.aborted) break;
      const reading = { maxLineBytes: longest, signal: output.closed, wording };
      const end = await replayFile(input, reading, intake, { bytes: 0 });
      files.push({ file: replayedName(input.path), state: end.kind, reason: end.failure?.message });
      failure ??= end.failure;
      if (end.failure !== undefined) say(io.stderr, end.failure.message);
    }
    for await (const record of expectation?.missing() ?? []) {
      await output.room();
      output.finding({ kind: "missing", record });
    }
    output.end({ totals, files, isCompared: old !== undefined, expected: expectation?.count });
    if (failure !== undefined) return failure.exitCode;
    return Object.values(output.counts).some((count) => count > 0) ? 1 : 0;
  },
};

/** @throws DfnError as `Expectation.read` */
async function expectationIn(path: string): Promise<Expectation> {
  // It is read twice: to know what is expected, and to name what is missing.
  if (path === "-") throw usageError(testCommand, "--expect needs a file");
  if ((await statIfPresent(path).catch(() => undefined)) === undefined) {
    throw new DfnError("IO", `test: --expect: ${path} does not exist, or may not be seen`);
  }
  const [input] = replayInputs([{ path, from: 0 }], undefined);
  return Expectation.read(input ?? { path });
}
