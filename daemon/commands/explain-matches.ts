/** The alerts that `explain` is asked about, wherever they are. */
import type { Config } from "../config/schema.ts";
import type { Accountant, AlertAccount } from "../explain/alert-account.ts";
import { hashedId, LogSearch, piecesOf, type FoundLine } from "../explain/log-search.ts";
import type { FileTrouble } from "../explain/log-walk.ts";
import { alertsPath, archivesOf, liveFile, originInLog } from "../explain/manager-log.ts";
import { searchGroups, type SearchSpan } from "../explain/search-order.ts";
import { command } from "../printable.ts";
import { youngCollector } from "./memory.ts";
import { isAlert } from "../sources/replay/form.ts";
import { replayFile, type ReplayIntake } from "../sources/replay/replay.ts";
import type { Input } from "../sources/replay/content.ts";

/** How many alerts are explained at once. */
export const maxMatches = 100;

/** What is asked about. */
export type ExplainQuery =
  | { readonly kind: "id"; readonly id: string }
  /** One line. */
  | { readonly kind: "place"; readonly path: string; readonly from: number }
  /** All lines; `-` is standard input. */
  | { readonly kind: "file"; readonly path: string };

/** What was found. */
export interface Matches {
  readonly accounts: readonly AlertAccount[];
  /** There are more than are explained. */
  readonly hasMore: boolean;
  readonly files: number;
  /** Decompressed. */
  readonly bytes: number;
  readonly troubles: readonly FileTrouble[];
  /** What was searched, in words. */
  readonly where: string;
}

/** Which of the matches are wanted. */
export interface Selection {
  readonly node: string | undefined;
  /** From 1 on; undefined: all. */
  readonly nth: number | undefined;
}

/** What the operand or `--file` means. */
export function queryOf(operand: string): ExplainQuery {
  if (operand === "-") return { kind: "file", path: "-" };
  if (!hashedId.test(operand) && /^.+:\d{1,15}$/s.test(operand)) return { kind: "place", path: operand, from: 0 };
  return { kind: "id", id: operand };
}

/** Keeps the accounts that are wanted, with a bound. */
class Collector {
  readonly accounts: AlertAccount[] = [];
  hasMore = false;
  readonly #accountant: Accountant;
  readonly #node: string | undefined;
  readonly #nth: number | undefined;
  #count = 0;

  /** @param nth the only one that is kept, in the order in which they come; undefined: all */
  constructor(accountant: Accountant, node: string | undefined, nth: number | undefined) {
    this.#accountant = accountant;
    this.#node = node;
    this.#nth = nth;
  }

  /** Nothing more can be kept. */
  get isFull(): boolean {
    return this.hasMore || (this.#nth !== undefined && this.#count >= this.#nth);
  }

  take(found: FoundLine): void {
    if (this.accounts.length >= maxMatches) this.hasMore = true;
    if (this.isFull) return;
    const account = this.#accountant.of(found);
    if (this.#node !== undefined && account.node !== this.#node) return;
    this.#count += 1;
    if (this.#nth === undefined || this.#count === this.#nth) this.accounts.push(account);
  }
}

/**
 * All alerts of an id: alerts.json and the archives of its day and of the days around it; if it is not there, further away.
 * @throws DfnError IO if the directory of the log cannot be read
 */
export async function matchesOfId(
  id: string,
  span: SearchSpan,
  selection: Selection,
  { accountant, config, maxLineBytes }: MatchParts,
): Promise<Matches> {
  const path = alertsPath(config);
  const search = new LogSearch(id, maxLineBytes, youngCollector());
  const collector = new Collector(accountant, selection.node, undefined);
  const take = (found: FoundLine): void => collector.take(found);
  const archives = await archivesOf(path);
  const live = await liveFile(path, archives);
  const [first = [], ...further] = searchGroups(archives, id, span, Date.now());
  for (const file of [live, ...first]) await search.file(file, take);
  for (const group of further) {
    if (collector.accounts.length > 0) break;
    for (const file of group) await search.file(file, take);
  }
  const accounts = collector.accounts.toSorted(
    (one, other) => timeOf(one) - timeOf(other) || one.line.offset - other.line.offset,
  );
  const { files, bytes, troubles } = search;
  const where = `${path} and its archives`;
  const { nth } = selection;
  const chosen = nth === undefined ? accounts : accounts.slice(nth - 1, nth);
  return { accounts: chosen, hasMore: collector.hasMore, files, bytes, troubles, where };
}

interface MatchParts {
  readonly accountant: Accountant;
  readonly config: Config;
  readonly maxLineBytes: number;
}

/**
 * The alerts of a file, or the one at a place.
 * @param from offset of the only line, or undefined for all
 * @throws DfnError as `replayFile` reports them, if nothing was found before
 */
export async function matchesOfFile(
  input: Input,
  from: number | undefined,
  { node, nth }: Selection,
  { accountant, config, maxLineBytes }: MatchParts,
): Promise<Matches> {
  const origin = input.path === "-" ? undefined : await originInLog(input.path, alertsPath(config));
  const collector = new Collector(accountant, node, nth);
  const stop = new AbortController();
  const isCompressed = origin?.isCompressed ?? false;
  const take = (line: Pick<FoundLine, "offset" | "length" | "bytes" | "isOverLong">): void => {
    if (stop.signal.aborted) return;
    const found = { ...line, file: input.path, isCompressed, origin };
    for (const { start, ...piece } of line.isOverLong ? [] : piecesOf(line.bytes)) {
      collector.take({ ...found, ...piece, offset: line.offset + start });
    }
    if (line.isOverLong) collector.take({ ...found, isSalvaged: false });
    if (from !== undefined || collector.isFull) stop.abort();
  };
  let hasAlert = from !== undefined;
  const intake: ReplayIntake = {
    next: (_bytes, start, end) => (start < end ? start : -1),
    ignored: () => undefined,
    deliver(bytes, { offset, length }) {
      if (length > 0) take({ offset, length, bytes, isOverLong: false });
      hasAlert ||= isAlert(bytes);
      return hasAlert;
    },
    overLong: (bytes, { offset, length }) => take({ offset, length, bytes, isOverLong: true }),
    room: () => undefined,
  };
  const wording = {
    command: "explain",
    done: "is explained",
    again: (place: string) => command`wazuh-dfn explain ${place}`,
  };
  const progress = { bytes: 0 };
  const options = { maxLineBytes, from: from ?? 0, signal: stop.signal, wording };
  const end = await replayFile(input, options, intake, progress);
  const { accounts, hasMore } = collector;
  if (end.failure !== undefined && (!hasAlert || accounts.length === 0)) throw end.failure;
  const file = input.path === "-" ? "standard input" : input.path;
  const troubles = end.failure === undefined ? [] : [{ file, offset: end.offset, text: end.failure.message }];
  return { accounts, hasMore, files: 1, bytes: progress.bytes, troubles, where: file };
}

function timeOf({ timestamp }: AlertAccount): number {
  const time = Date.parse(timestamp ?? "");
  return Number.isNaN(time) ? 0 : time;
}
