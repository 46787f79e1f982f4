/** Every input of the corpus, and a short run of the fuzzer: `npm run fuzz` makes longer ones. */
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { repositoryRoot } from "../../scripts/repository.ts";
import { targets } from "../fuzz/catalogue.ts";
import { Corpus } from "../fuzz/corpus.ts";
import { hunt } from "../fuzz/hunt.ts";
import { StepCounter } from "../fuzz/steps.ts";
import { Trial, withoutLeaks } from "../fuzz/trial.ts";

const seed = Math.floor(Math.random() * 1_000_000);
const steps = new StepCounter();
after(() => steps[Symbol.dispose]());

describe("hostile input", () => {
  for (const target of targets) {
    const corpus = new Corpus(join(repositoryRoot, "test/fuzz/corpus"), target.name);

    test(`${target.name}: no input of the corpus breaks a promise`, async () => {
      await using trial = new Trial(target, steps);
      for (const { path, input } of corpus.files()) {
        await trial.try(input, { isCounted: true }).catch((reason: unknown) => {
          throw new Error(`the input ${path}`, { cause: reason });
        });
      }
    });

    test(`${target.name}: no input of a short run breaks a promise, and no memory is held afterwards`, async (t) => {
      const again = `npm run fuzz -- --target ${target.name} --seed ${seed} --inputs ${target.testInputs}`;
      t.diagnostic(again);
      await withoutLeaks(async () => {
        const options = { seed, goesOn: (inputs: number) => inputs < target.testInputs };
        const { failure } = await hunt(target, corpus, steps, options);
        if (failure === undefined) return;
        const path = corpus.keep(failure.input, "failed");
        throw new Error(`again: ${again}; the input is kept as ${path}`, { cause: failure.reason });
      });
    });
  }
});
