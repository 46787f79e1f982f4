import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Program } from "../rig/program.ts";
import { readDeadLetters, type DeadLetterCount } from "./dead-letters.ts";
import type { Environment } from "./environment.ts";

/** Well below the store's limit, above which the oldest entries lose the bytes that they are recognised by. */
const emptiedAfterBytes = 100 << 20;

/** Acts as the administrator of a long run, who looks through the dead letters now and then and removes them. */
export class DeadLetterCleaner {
  /** What was looked through and removed. */
  seen: DeadLetterCount = { entries: 0, wrong: [], fragments: [] };
  /** Bytes of the store when it was emptied: a segment that is still being written is compacted later. */
  #floorBytes = 0;

  async look(environment: Environment): Promise<void> {
    const bytes = bytesOf(environment.stateDir);
    this.#floorBytes = Math.min(this.#floorBytes, bytes);
    if (bytes - this.#floorBytes < emptiedAfterBytes) return;
    // Nothing may happen between the look and the removal.
    await environment.settled();
    const { entries, wrong, fragments } = readDeadLetters(environment.stateDir, environment.ledger);
    await purge(environment);
    this.seen = {
      entries: this.seen.entries + entries,
      wrong: [...this.seen.wrong, ...wrong],
      fragments: [...this.seen.fragments, ...fragments],
    };
    this.#floorBytes = bytesOf(environment.stateDir);
  }
}

async function purge(environment: Environment): Promise<void> {
  const args = [environment.testBed.bundle, "dead-letter", "purge", "--all", "--config", environment.configure()];
  await using program = new Program(process.execPath, args);
  const ended = await program.end();
  if (ended !== 0) throw new Error(`dead-letter purge ended with ${ended}: ${program.errorLines.join("; ")}`);
}

function bytesOf(stateDir: string): number {
  const directory = join(stateDir, "dead-letters");
  if (!existsSync(directory)) return 0;
  const sizes = readdirSync(directory).map((name) => statSync(join(directory, name), { throwIfNoEntry: false })?.size);
  return sizes.reduce<number>((sum, size = 0) => sum + size, 0);
}
