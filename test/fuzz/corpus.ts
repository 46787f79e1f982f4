import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface CorpusFile {
  readonly path: string;
  readonly input: Buffer;
}

/** Inputs that are kept in the repository, a directory for each target; every one of them is tried in each test run. */
export class Corpus {
  readonly #directory: string;

  constructor(root: string, target: string) {
    this.#directory = join(root, target);
  }

  files(): CorpusFile[] {
    if (!existsSync(this.#directory)) return [];
    return readdirSync(this.#directory)
      .toSorted()
      .map((name) => join(this.#directory, name))
      .map((path) => ({ path, input: readFileSync(path) }));
  }

  /** Writes an input under a name derived from its bytes, and returns the path. */
  keep(input: Buffer, kind: "found" | "failed"): string {
    const path = join(this.#directory, `${kind}-${createHash("sha256").update(input).digest("hex").slice(0, 12)}`);
    mkdirSync(this.#directory, { recursive: true });
    writeFileSync(path, input);
    return path;
  }
}
