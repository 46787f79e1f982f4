import { randomInt } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { errnoOf } from "../../../daemon/errors.ts";
import { bundledCustomDfn, type CustomDfn, redirection } from "../custom-dfn.ts";

/** What integratord reads, and what the administrator configured for the integration. */
export interface IntegratordOptions {
  readonly alertsJson: string;
  readonly hookUrl: string;
  /** Text of `<options>`; given: it comes as a file. */
  readonly options?: string;
  readonly isDebug?: boolean;
  /** Default: the bundled way. */
  readonly customDfn?: CustomDfn;
  /** How often a fully read file is looked at again. Wazuh does it once a second. */
  readonly pollMs?: number;
}

/** What became of one call. */
export interface IntegrationCall {
  /** Null: it hung and was killed. */
  readonly exitCode: number | null;
  /** Standard output and standard error. */
  readonly output: string;
  readonly tookMs: number;
}

/** Longest line with its newline that it passes on (Wazuh 4.14 source: src/headers/defs.h:51). */
const longestLineBytes = 65_536;

/**
 * Calls the integration as Wazuh 4.14's integratord does: one process for each alert, one after the other, nine
 * arguments (src/os_integrator/integrator.c:278-444).
 */
export async function callIntegration(
  alert: Buffer,
  options: Omit<IntegratordOptions, "alertsJson">,
): Promise<IntegrationCall> {
  const { hookUrl, isDebug = false, customDfn = bundledCustomDfn } = options;
  // The random number may be negative.
  const base = join(tmpdir(), `custom-dfn-${Math.floor(Date.now() / 1000)}-${randomInt(-(2 ** 31), 2 ** 31)}`);
  const files = [`${base}.alert`];
  await writeFile(`${base}.alert`, alert);
  if (options.options !== undefined) {
    await writeFile(`${base}.options`, `${options.options}\n`);
    files.push(`${base}.options`);
  }
  const optionsFile = files[1] ?? "";
  const args = [`${base}.alert`, "", hookUrl, isDebug ? "debug" : "", optionsFile, "10", "3"];
  if (!isDebug) args.push(redirection);
  const started = performance.now();
  const { code, stdout, stderr } = await customDfn.run(args);
  const call = { exitCode: code, output: stdout + stderr, tookMs: performance.now() - started };
  await Promise.all(files.map((file) => unlink(file)));
  return call;
}

/** Follows alerts.json from its end and calls the integration for each alert; loses what the real one loses. */
export class Integratord implements AsyncDisposable {
  readonly calls: IntegrationCall[] = [];
  readonly #options: IntegratordOptions;
  readonly #alertsJson: string;
  #file: number;
  #position: number;
  #isStopping = false;
  readonly #done: Promise<void>;

  constructor(options: IntegratordOptions) {
    this.#options = options;
    this.#alertsJson = options.alertsJson;
    this.#file = openSync(this.#alertsJson, "r");
    this.#position = fstatSync(this.#file).size;
    this.#done = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    await this.#done;
    closeSync(this.#file);
  }

  async #run(): Promise<void> {
    const chunk = Buffer.alloc(longestLineBytes);
    while (!this.#isStopping) {
      const length = readSync(this.#file, chunk, 0, chunk.length, this.#position);
      const newline = chunk.subarray(0, length).indexOf(0x0a);
      if (newline >= 0) {
        this.#position += newline + 1;
        this.calls.push(await callIntegration(Buffer.from(chunk.subarray(0, newline + 1)), this.#options));
      } else if (length === chunk.length) {
        throw new Error("the tests write no line that is too long for integratord");
      } else if (!this.#reopenWhenReplaced()) await delay(this.#options.pollMs ?? 1000);
    }
  }

  #reopenWhenReplaced(): boolean {
    try {
      if (statSync(this.#alertsJson).ino === fstatSync(this.#file).ino) return false;
      closeSync(this.#file);
      this.#file = openSync(this.#alertsJson, "r");
      this.#position = 0;
      return true;
    } catch (reason) {
      if (errnoOf(reason) !== "ENOENT") throw reason;
      return false; // between two files
    }
  }
}
