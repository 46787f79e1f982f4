/**
 * `npm run fuzz`: hostile input for everything that reads what others write. A failing input is written to the corpus,
 * which every test run tries. Ends with 1 when something failed.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describe } from "../daemon/errors.ts";
import { targets } from "../test/fuzz/catalogue.ts";
import { Corpus } from "../test/fuzz/corpus.ts";
import { hunt } from "../test/fuzz/hunt.ts";
import { StepCounter } from "../test/fuzz/steps.ts";
import type { Target } from "../test/fuzz/target.ts";
import { withoutLeaks } from "../test/fuzz/trial.ts";
import { numberOf, runCommand, seedOf } from "./command.ts";
import { repositoryRoot } from "./repository.ts";

const help = `Usage: npm run fuzz -- [--seed S] [--seconds N] [--inputs N] [--target NAME] [--keep]

  --seed S       repeats a run (default: drawn); with --inputs the very same one
  --seconds N    how long, for each target (default 10)
  --inputs N     how many inputs for each target, instead of seconds
  --target NAME  this one alone; may be given several times
  --keep         adds to the corpus the smallest input for each new answer of a target, up to 1 KiB
  --list         names of the targets
`;

/** What the corpus takes; it is to stay small. */
const maxKeptBytes = 1024;

await runCommand("fuzz", main);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      seconds: { type: "string" },
      inputs: { type: "string" },
      target: { type: "string", multiple: true },
      keep: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(help);
  if (values.list) return void process.stdout.write(targets.map(({ name }) => `${name}\n`).join(""));
  const seed = seedOf(values.seed);
  const inputs = numberOf(values.inputs);
  const seconds = numberOf(values.seconds) ?? 10;
  process.stdout.write(`seed ${seed}\n`);
  using steps = new StepCounter();
  for (const target of chosen(values.target)) {
    const endsAt = performance.now() + seconds * 1000;
    const goesOn = (done: number): boolean => (inputs === undefined ? performance.now() < endsAt : done < inputs);
    await withoutLeaks(() => one(target, steps, { seed, goesOn, keeps: values.keep }));
  }
}

async function one(
  target: Target,
  steps: StepCounter,
  { seed, goesOn, keeps }: { seed: number; goesOn: (done: number) => boolean; keeps: boolean },
): Promise<void> {
  const corpus = new Corpus(join(repositoryRoot, "test/fuzz/corpus"), target.name);
  const { inputs, found, failure } = await hunt(target, corpus, steps, { seed, goesOn });
  process.stdout.write(`${target.name.padEnd(14)} ${inputs} inputs, ${found.size} new answers\n`);
  if (failure !== undefined) {
    const { reason } = failure;
    const what = reason instanceof Error ? (reason.stack ?? reason.message) : describe(reason);
    process.stdout.write(`${target.name} FAILED, input kept as ${corpus.keep(failure.input, "failed")}\n${what}\n`);
    process.exitCode = 1;
  }
  if (!keeps) return;
  for (const input of found.values()) if (input.length <= maxKeptBytes) corpus.keep(input, "found");
}

function chosen(names: readonly string[] | undefined): readonly Target[] {
  return (names ?? []).length === 0 ? targets : (names ?? []).map(named);
}

function named(name: string): Target {
  const target = targets.find((one) => one.name === name);
  if (target === undefined) throw new Error(`there is no target ${name}; --list names them`);
  return target;
}
