/** What the socket has brought and the log has not, as the checkpoint keeps it. */
import type { Contribution } from "./contribution.ts";
import type { NameTable } from "./name-table.ts";
import type { SavedProof } from "./saved-proof.ts";

/** An alert of the socket that has its outcome and that the log has not brought. */
export interface Ahead {
  /** The halves of its fingerprint. */
  readonly high: number;
  readonly low: number;
  /** Which of the copies by the socket it is, counted from 1. */
  readonly occurrence: number;
  readonly id: string;
  readonly contribution: Contribution;
}

export function saveAhead(all: readonly Ahead[], table: NameTable): SavedProof["ahead"] {
  return all.map(({ high, low, occurrence, id, contribution }) => [
    high,
    low,
    occurrence,
    id,
    table.save(contribution),
  ]);
}

/** Without what `saveAhead` did not make. */
export function restoreAhead(saved: SavedProof["ahead"], table: NameTable): readonly Ahead[] {
  return saved.flatMap(([high, low, occurrence, id, part]) => {
    const contribution = table.restore(part);
    return contribution === undefined ? [] : [{ high, low, occurrence, id, contribution }];
  });
}
