import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { namesIn } from "../disk/list-directory.ts";
import { writeAtomically } from "../disk/atomic-file.ts";
import { readRegularFile } from "../disk/read-file.ts";
import { isAbsent } from "../errors.ts";
import { maxManifestBytes } from "../manifest/read-manifest.ts";
import type { Cut } from "./chain.ts";

const fileName = /^([0-9a-f-]{36})\.(\d{1,15})\.json$/;

type Spooled = Pick<Cut, "stream" | "sequence">;

/**
 * Manifests that wait for their topic, beyond the newest ones, which the checkpoint has: a file each, in `manifests` below
 * the state directory.
 */
export class ManifestSpool {
  readonly #directory: string;

  constructor(stateDir: string) {
    this.#directory = join(stateDir, "manifests");
  }

  /** Those of one stream, by their numbers. */
  async list(stream: string): Promise<Spooled[]> {
    const names = await namesIn(this.#directory).catch((reason: unknown) => {
      if (isAbsent(reason)) return [];
      throw reason;
    });
    const found: Spooled[] = [];
    for (const name of names) {
      const [, of, sequence] = fileName.exec(name) ?? [];
      if (of === stream && sequence !== undefined) found.push({ stream, sequence: Number(sequence) });
    }
    return found.toSorted((a, b) => a.sequence - b.sequence);
  }

  /** Durable when it resolves. */
  async write(cut: Cut): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await writeAtomically(this.#pathOf(cut), cut.value);
  }

  /** @throws a system error if it cannot be read */
  read(of: Spooled): Promise<Buffer> {
    return readRegularFile(this.#pathOf(of), { maxBytes: maxManifestBytes, links: "refuse" });
  }

  async remove(of: Spooled): Promise<void> {
    await rm(this.#pathOf(of), { force: true });
  }

  #pathOf({ stream, sequence }: Spooled): string {
    return join(this.#directory, `${stream}.${sequence}.json`);
  }
}
