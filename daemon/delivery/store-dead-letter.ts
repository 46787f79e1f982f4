import type { Budget } from "./budget.ts";
import type { NewDeadLetter } from "../dead-letters/store.ts";

export interface DeadLetterParts {
  readonly budget: Budget;
  readonly deadLetters: { add(entry: NewDeadLetter): Promise<void> };
}

/**
 * Stores a dead letter. Resolves when it is durable; until then what it weighs is set aside.
 * @param sizeBytes what was taken of the budget for it
 */
export function storeDeadLetter(
  { budget, deadLetters }: DeadLetterParts,
  entry: NewDeadLetter,
  sizeBytes: number,
): Promise<void> {
  budget.setAside(sizeBytes);
  // Nothing here may hold on to the entry: the alert's bytes can be 16 MiB.
  return deadLetters.add(entry).then(() => budget.bringBack(sizeBytes));
}
