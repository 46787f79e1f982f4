/** Which settings decided which records: kept in the state directory, for audits of lines that were read with former ones. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeAtomically } from "../disk/atomic-file.ts";
import { namesIn } from "../disk/list-directory.ts";
import { readRegularFile } from "../disk/read-file.ts";
import { isAbsent } from "../errors.ts";

/** Changes of settings that are kept; older ones are of archives that nobody has any more. */
const maxPeriods = 1000;
const maxBytes = 4 * 1024 * 1024;

const period = z.strictObject({
  /** SHA-256 of the settings, in hex, as manifests have it. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** When it began, ISO 8601. */
  since: z.string(),
  /** Dated name of the log file in which it began; null while that had none. */
  file: z.string().nullable(),
  /** First byte, decompressed. */
  offset: z.int().min(0),
});
const indexForm = z.strictObject({ version: z.literal(1), periods: z.array(period).max(maxPeriods) });
const settingsForm = z.strictObject({ dfn: z.json(), handlers: z.json() });

/** From a place in the log on, these settings decided. */
export type SettingsPeriod = z.infer<typeof period>;
/** The sections of the configuration file that decide which records are made, and of what. */
export type DecidingSettings = z.infer<typeof settingsForm>;

/** What is kept of former settings, the oldest first. */
export interface KeptSettings {
  readonly periods: readonly SettingsPeriod[];
  /** By hash; some may be gone. */
  readonly settings: ReadonlyMap<string, DecidingSettings>;
}

/** `configs` below the state directory: an index, and a file for each settings. */
export class SettingsHistory {
  readonly #directory: string;

  constructor(stateDir: string) {
    this.#directory = join(stateDir, "configs");
  }

  /** From a place on, these settings decide; nothing is written if they do already. */
  async note(began: SettingsPeriod, settings: unknown): Promise<void> {
    const before = await this.#periods();
    if (before.at(-1)?.hash === began.hash) return;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const periods = [...before, began].slice(-maxPeriods);
    await writeAtomically(this.#pathOf(began.hash), JSON.stringify(settings));
    await writeAtomically(join(this.#directory, "index.json"), JSON.stringify({ version: 1, periods }));
    const named = new Set(periods.map(({ hash }) => `${hash}.json`));
    for (const name of await namesIn(this.#directory)) {
      if (/^[0-9a-f]{64}\.json$/.test(name) && !named.has(name)) await rm(join(this.#directory, name), { force: true });
    }
  }

  /** @throws Error that says what cannot be read */
  async read(): Promise<KeptSettings> {
    const periods = await this.#periods();
    const settings = new Map<string, DecidingSettings>();
    for (const { hash } of periods) {
      if (settings.has(hash)) continue;
      const kept = await this.#read(this.#pathOf(hash), settingsForm);
      if (kept !== undefined) settings.set(hash, kept);
    }
    return { periods, settings };
  }

  async #periods(): Promise<readonly SettingsPeriod[]> {
    const index = await this.#read(join(this.#directory, "index.json"), indexForm);
    return index?.periods ?? [];
  }

  /** Undefined if it is not there. */
  async #read<T>(path: string, form: z.ZodType<T>): Promise<T | undefined> {
    let content: unknown;
    try {
      content = JSON.parse((await readRegularFile(path, { maxBytes, links: "refuse" })).toString("utf8"));
    } catch (reason) {
      if (isAbsent(reason)) return undefined;
      throw new Error(`${path} cannot be used`, { cause: reason });
    }
    const checked = form.safeParse(content);
    if (!checked.success) throw new Error(`${path} cannot be used: it is not what this version writes there`);
    return checked.data;
  }

  #pathOf(hash: string): string {
    return join(this.#directory, `${hash}.json`);
  }
}
