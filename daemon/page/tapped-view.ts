/** What the page shows of an alert that flowed by, out of an event `alert` of `/tap`. */
export interface TappedView {
  /** ISO 8601. */
  readonly time: string;
  /** What became of it: `sent`, `ignored`, `paired`, `dead`. */
  readonly verdict: string;
  readonly reason: string;
  readonly source: string;
  readonly id?: string | undefined;
  readonly agentId?: string | undefined;
  readonly agentName?: string | undefined;
  readonly ruleId?: string | undefined;
  readonly level?: number | undefined;
  readonly description?: string | undefined;
}

/** How many alerts of each verdict are kept. */
const keptOfEach = 10;
/** More than the verdicts of any version need. */
const keptAtMost = 80;

/** The last alerts of each verdict: the many that are ignored do not push out the few that are sent. */
export class LastAlerts {
  #kept: readonly TappedView[] = [];

  take(alert: TappedView): void {
    let same = 0;
    this.#kept = [alert, ...this.#kept]
      .filter(({ verdict }) => verdict !== alert.verdict || ++same <= keptOfEach)
      .slice(0, keptAtMost);
  }

  get newestFirst(): readonly TappedView[] {
    return this.#kept;
  }
}

/** What an alert is about, in words. */
export function aboutOf({ agentId, agentName, ruleId, level, description }: TappedView): string {
  const parts = [
    ...(agentId === undefined ? [] : [`agent ${agentId}${agentName === undefined ? "" : ` (${agentName})`}`]),
    ...(ruleId === undefined ? [] : [`rule ${ruleId}${level === undefined ? "" : ` level ${level}`}`]),
    ...(description === undefined ? [] : [description]),
  ];
  return parts.join(", ");
}
