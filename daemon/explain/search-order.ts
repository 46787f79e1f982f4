/** Which log files are searched for an alert, and in which order. */
import { secondOf } from "../delivery/shipment.ts";
import type { Archive } from "../sources/tail/log/archives.ts";
import { partsPerDay, rankOfDay } from "../sources/tail/log/dated-name.ts";

const dayMs = 86_400_000;
/** Days before and after the one that an id names, if the alert is not there. */
const nearbyDays = 7;

/** Milliseconds since 1970; undefined: no bound. */
export interface SearchSpan {
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
}

/** When an alert was written, as far as its id says it. */
export function timeOfId(id: string, nowMs: number): number | undefined {
  const second = secondOf(id, nowMs);
  return second < 0 ? undefined : second * 1000;
}

/**
 * Archives in groups: the next group is searched if nothing was found in the ones before it. In a group, those nearest
 * to the alert's day come first. The day that a file is named after is the manager's, which may differ from the one in UTC
 * by one in either direction.
 * @param span if it has a bound, all of it is searched and nothing else
 */
export function searchGroups(
  archives: readonly Archive[],
  id: string,
  span: SearchSpan,
  nowMs: number,
): readonly (readonly Archive[])[] {
  const atMs = timeOfId(id, nowMs);
  const near = (list: readonly Archive[]): Archive[] => {
    const center = dayOf(rankAt(atMs ?? nowMs));
    const distance = ({ name: { rank } }: Archive): number => Math.abs(dayOf(rank) - center);
    return list.toSorted((one, other) => distance(one) - distance(other) || other.name.rank - one.name.rank);
  };
  if (span.fromMs !== undefined || span.toMs !== undefined) {
    return [near(archives.filter(within((span.fromMs ?? 0) - dayMs, (span.toMs ?? nowMs + dayMs) + dayMs)))];
  }
  if (atMs === undefined) return [near(archives.filter(within(nowMs - nearbyDays * dayMs, nowMs + dayMs)))];
  const first = archives.filter(within(atMs - dayMs, atMs + dayMs));
  const second = archives.filter(within(atMs - nearbyDays * dayMs, atMs + nearbyDays * dayMs));
  return [near(first), near(second.filter((archive) => !first.includes(archive)))];
}

/** Whether an archive is of one of the days from the first to the second time, both included; the days are those in UTC. */
function within(fromMs: number, toMs: number): (archive: Archive) => boolean {
  const [first, last] = [dayOf(rankAt(fromMs)), dayOf(rankAt(toMs))];
  return ({ name: { rank } }) => dayOf(rank) >= first && dayOf(rank) <= last;
}

function rankAt(timeMs: number): number {
  const day = new Date(Math.max(0, timeMs));
  return rankOfDay(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate());
}

function dayOf(rank: number): number {
  return Math.floor(rank / partsPerDay);
}
