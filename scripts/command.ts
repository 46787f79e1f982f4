import { describe } from "../daemon/errors.ts";

/** Runs what a command does. What it throws goes to standard error, with where it came from, and it ends with 1. */
export async function runCommand(name: string, main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (reason) {
    const what = reason instanceof Error ? (reason.stack ?? reason.message) : describe(reason);
    process.stderr.write(`npm run ${name}: ${what}\n`);
    process.exitCode = 1;
  }
}

/** An option's value as a whole number; undefined if it was not given. @throws Error if it is not one, or below `min` */
export function numberOf(text: string | undefined, min = 1): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < min) throw new Error(`${text} is not a whole number from ${min} on`);
  return number;
}

/** The seed that was asked for, or one that is drawn. */
export function seedOf(text: string | undefined): number {
  return numberOf(text, 0) ?? Math.floor(Math.random() * 1_000_000);
}

/** Says on standard error what a long run is doing, with the time of day, UTC. */
export function say(line: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}
