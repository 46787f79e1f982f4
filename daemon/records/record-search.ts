/** An alert whose records are looked for in a sink. */
export interface SoughtAlert {
  readonly id: string;
  readonly node: string;
  /** The key of its records. */
  readonly key: Buffer;
  /** Milliseconds since 1970 before which none of its records was written; undefined: not known. */
  readonly sinceMs: number | undefined;
}

/** Where a record is. */
export interface RecordPlace {
  readonly topic: string;
  readonly partition: number;
  /** In the partition; for a file, the byte at which its line begins. */
  readonly offset: number;
  /** The file, if the sink writes files. */
  readonly file?: string;
}

/** A record with the id and the node of an alert that is looked for. */
export interface FoundRecord extends RecordPlace {
  readonly handler: string;
  readonly value: Buffer | null;
}

/** What is looked for, and until when. */
export interface RecordSearch {
  readonly topics: readonly string[];
  /** At least one. */
  readonly alerts: readonly SoughtAlert[];
  /** Called for each record of one of the alerts. @returns whether all that matters is found, and the search is over */
  readonly found: (alert: SoughtAlert, record: FoundRecord) => boolean;
  /** Ends the search. */
  readonly signal: AbortSignal;
}

/** What a search saw of one topic. */
export interface TopicSearch {
  readonly topic: string;
  /** Number of its partitions; undefined if that is not known. */
  readonly partitions: number | undefined;
  /** Why records may have been missed; undefined if everything was read that was written since the alerts. */
  readonly shortfall: string | undefined;
}

/** Finds the alert that a record belongs to. */
export class SoughtAlerts {
  readonly #byName = new Map<string, SoughtAlert>();

  constructor(alerts: readonly SoughtAlert[]) {
    for (const alert of alerts) this.#byName.set(nameOf(alert.id, alert.node), alert);
  }

  /** @param id, node as the record's headers have them */
  get(id: string | undefined, node: string | undefined): SoughtAlert | undefined {
    return id === undefined || node === undefined ? undefined : this.#byName.get(nameOf(id, node));
  }
}

function nameOf(id: string, node: string): string {
  return `${node}\u0000${id}`;
}
