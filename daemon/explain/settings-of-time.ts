import { basename, dirname } from "node:path";
import { dfn } from "../config/sections/dfn.ts";
import { handlers } from "../config/sections/handlers.ts";
import type { Config } from "../config/schema.ts";
import { DfnError } from "../errors.ts";
import { Trial } from "./trial.ts";
import { topicsOf } from "../handlers/registry.ts";
import { mayBeTorn } from "../alert/salvage.ts";
import type { DecidingSettings, KeptSettings } from "../proof/settings-history.ts";
import type { LineFilter } from "../sources/tail/log/line-splitter.ts";
import { parseFileName, parseStem } from "../sources/tail/log/dated-name.ts";

/** From a place in the log on. */
interface Period {
  readonly rank: number;
  readonly offset: number;
  /** When it began, ISO 8601. */
  readonly since: string;
  readonly trial: Trial;
}

const nothingKept: KeptSettings = { periods: [], settings: new Map() };

/**
 * Which settings decide what must be in the sink: those with which a line was read, where the forwarder kept them (it does with
 * manifests), else today's.
 */
export class SettingsOfTime {
  /** Of all settings together. */
  readonly handlers: readonly string[];
  readonly topics: readonly string[];
  readonly #today: Trial;
  /** In the order of the log. */
  readonly #periods: readonly Period[];
  readonly #all: readonly Trial[];

  /**
   * @param kept default: nothing
   * @throws DfnError CONFIG as `createHandlers`, and if what was kept is not settings of this version
   */
  constructor(config: Config, maxLineBytes: number, kept = nothingKept) {
    this.#today = new Trial(config, maxLineBytes);
    const trials = new Map<string, Trial>();
    for (const [hash, settings] of kept.settings)
      trials.set(hash, new Trial(withSettings(config, settings), maxLineBytes));
    this.#periods = kept.periods.flatMap(({ hash, file, offset, since }) => {
      const trial = trials.get(hash);
      return trial === undefined ? [] : [{ rank: parseStem(file ?? "")?.rank ?? 0, offset, since, trial }];
    });
    this.#all = [this.#today, ...new Set(this.#periods.map(({ trial }) => trial))];
    this.handlers = [...new Set(this.#all.flatMap((trial) => trial.handlers.map(({ name }) => name)))];
    this.topics = [...new Set(this.#all.flatMap((trial) => topicsOf(trial.handlers)))];
  }

  /** Names the lines that must be looked at with any of the settings. */
  get filter(): LineFilter {
    const relevances = this.#all.map(({ judge }) => judge.relevance);
    const next = (bytes: Buffer, from: number, end: number): number => {
      let first = -1;
      for (const relevance of relevances) {
        const hit = relevance.next(bytes, from, end);
        if (hit >= 0 && (first < 0 || hit < first)) first = hit;
      }
      return first;
    };
    return { next, ignored: () => undefined, mayBeTorn };
  }

  /** What holds for the line at a place. */
  at(file: string, offset: number): Trial {
    return this.#periodOf(file, offset)?.trial ?? this.#today;
  }

  /** The settings with which the line at a place was read, and since when; undefined if they were not kept. */
  keptAt(file: string, offset: number): { readonly since: string; readonly trial: Trial } | undefined {
    return this.#periodOf(file, offset);
  }

  #periodOf(file: string, offset: number): Period | undefined {
    if (this.#periods.length === 0) return undefined;
    const rank = rankOf(file);
    return this.#periods.findLast(
      (one) => one.rank < rank || (one.rank === rank && one.offset <= offset) || one.rank === 0,
    );
  }
}

/** A file without a dated name is alerts.json, the newest one. */
function rankOf(path: string): number {
  const month = dirname(path);
  const known = parseFileName(basename(dirname(month)), basename(month), basename(path));
  return known?.name.rank ?? Number.POSITIVE_INFINITY;
}

function withSettings(config: Config, kept: DecidingSettings): Config {
  const former = { dfn: dfn.safeParse(kept.dfn), handlers: handlers.safeParse(kept.handlers) };
  if (former.dfn.success && former.handlers.success)
    return { ...config, dfn: former.dfn.data, handlers: former.handlers.data };
  throw new DfnError("CONFIG", "former settings that were kept in the state directory cannot be used by this version");
}
