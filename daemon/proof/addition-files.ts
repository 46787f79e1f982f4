/**
 * What is sent again on purpose, as files in the state directory: whoever sends writes them, the forwarder publishes them with
 * its manifests and removes them.
 */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeAtomically } from "../disk/atomic-file.ts";
import { namesIn } from "../disk/list-directory.ts";
import { readRegularFile } from "../disk/read-file.ts";
import { isAbsent } from "../errors.ts";
import { manifestForm, type Manifest } from "../manifest/manifest.ts";

/** An addition as a manifest has it; `records` is null while it goes on. */
export type Addition = Manifest["additions"][number];

/** An addition has at most some thousand entries. */
const maxBytes = 4 * 1024 * 1024;
const fileName = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.json$/;
const fileForm = z.strictObject({ version: z.literal(1), addition: manifestForm.shape.additions.element });

/** The directory of additions. */
export class AdditionFiles {
  readonly #directory: string;

  constructor(stateDir: string) {
    this.#directory = join(stateDir, "additions");
  }

  /** Durable when it resolves. */
  async write(addition: Addition): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await writeAtomically(this.#pathOf(addition.id), JSON.stringify({ version: 1, addition }));
  }

  /**
   * All that are there.
   * @param unusable called for each file that is not one, with what is wrong
   */
  async read(unusable: (path: string, reason: string) => void): Promise<Addition[]> {
    const names = await namesIn(this.#directory).catch((reason: unknown) => {
      if (isAbsent(reason)) return [];
      throw reason;
    });
    const additions: Addition[] = [];
    for (const name of names) {
      const id = fileName.exec(name)?.[1];
      if (id === undefined) continue;
      const path = this.#pathOf(id);
      try {
        const text = (await readRegularFile(path, { maxBytes, links: "refuse" })).toString("utf8");
        const { addition } = fileForm.parse(JSON.parse(text));
        if (addition.id === id) additions.push(addition);
        else unusable(path, "it has another id than its name");
      } catch (reason) {
        if (!isAbsent(reason)) unusable(path, "it is not an addition of this version");
      }
    }
    return additions;
  }

  /** Says that a manifest with the addition is on disk and about to be sent. */
  async announce(id: string): Promise<void> {
    await writeAtomically(this.#markOf(id), "");
  }

  async isAnnounced(id: string): Promise<boolean> {
    return (await namesIn(this.#directory)).includes(`${id}.announced`);
  }

  async remove(id: string): Promise<void> {
    await rm(this.#pathOf(id), { force: true });
    await rm(this.#markOf(id), { force: true });
  }

  #pathOf(id: string): string {
    return join(this.#directory, `${id}.json`);
  }

  #markOf(id: string): string {
    return join(this.#directory, `${id}.announced`);
  }
}
