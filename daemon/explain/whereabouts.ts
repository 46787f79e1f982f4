/** Where alerts are now: in the sink, in the dead letters, on their way, or not read yet. Reads, and changes nothing. */
import { Alert } from "../alert/alert.ts";
import { alertOrFault } from "../delivery/judge.ts";
import { partitionOf } from "../delivery/partition-key.ts";
import { idOf } from "../delivery/shipment.ts";
import { select, type Look } from "../dead-letters/reader.ts";
import { deadLetterDirectory } from "../dead-letters/store.ts";
import { describe } from "../errors.ts";
import type { FoundRecord, RecordPlace, RecordSearch, SoughtAlert, TopicSearch } from "../records/record-search.ts";
import { digestOf, type AlertAccount, type HandlerAccount } from "./alert-account.ts";
import { stemOfPath, type LineWhereabouts } from "./line-whereabouts.ts";

/**
 * What became of the record of one handler.
 * - acknowledged: it is in the sink.
 * - dead-letter: it is stored as a dead letter, or would be.
 * - in-flight: the running forwarder has read it, and it has no outcome yet.
 * - not-read: it will be read.
 * - before-start: it was there before the first start, and was not asked for.
 * - not-known: see `why`.
 */
export interface RecordState {
  readonly handler: string | undefined;
  readonly state: "acknowledged" | "dead-letter" | "in-flight" | "not-read" | "before-start" | "not-known";
  /** Places of an acknowledged record; more than one if it was met again before the search was over. */
  readonly places: readonly RecordPlace[];
  /** A sentence; undefined if nothing is to be added. */
  readonly why: string | undefined;
}

/** Where an alert is. */
export interface Whereabouts {
  readonly account: AlertAccount;
  /** For each record that it has or should have; empty: it was ignored. */
  readonly states: readonly RecordState[];
  /** Partition of each handler's record, if the number of partitions is known. */
  readonly partitions: ReadonlyMap<string, number>;
}

/** What is asked. */
export interface WhereaboutsParts {
  readonly stateDir: string;
  readonly fallbackNode: string | undefined;
  readonly topics: readonly string[];
  readonly maxLineBytes: number;
  readonly line: LineWhereabouts;
  /** Searches the sink; undefined with the reason if there is none. */
  readonly find: ((search: RecordSearch) => Promise<readonly TopicSearch[]>) | { readonly unusable: string };
}

/** How long the sink is searched; milliseconds. */
const searchMs = 10_000;
/** The same if no handler wants any of the alerts: then a record is only there if the settings were others. */
const unwantedSearchMs = 3000;

const formerly = "by the settings of its time";

/** A dead letter that is one of the alerts. */
interface Letter {
  readonly id: string;
  readonly handler: string | undefined;
  readonly text: string;
}

/** Of all of them together: the sink is read once. */
export async function whereabouts(
  accounts: readonly AlertAccount[],
  parts: WhereaboutsParts,
): Promise<readonly Whereabouts[]> {
  const letters = await lettersOf(accounts, parts);
  const sink = await inSink(accounts, parts);
  return accounts.map((account) => {
    const acknowledged = sink.records.get(account) ?? [];
    const stored = letters.found.get(account) ?? [];
    const states: RecordState[] = [];
    for (const made of account.handlers) {
      if (made.record === undefined && made.failure === undefined) continue;
      states.push(stateOf(account, made, acknowledged, stored, { parts, letters: letters.trouble, sink }));
    }
    for (const { handler, places } of acknowledged) {
      if (states.some((state) => state.handler === handler)) continue;
      const isFormer = account.former?.handlers.some((one) => one.handler === handler && one.record !== undefined);
      const why = `${isFormer === true ? `${formerly}; ` : ""}with today's settings it would not be sent`;
      states.push({ handler, state: "acknowledged", places, why });
    }
    for (const made of account.former?.handlers ?? []) {
      if (made.record === undefined && made.failure === undefined) continue;
      if (states.some((state) => state.handler === made.handler)) continue;
      const state = stateOf(account, made, [], stored, { parts, letters: letters.trouble, sink });
      states.push({ ...state, why: [formerly, state.why].filter((text) => text !== undefined).join(": ") });
    }
    for (const { handler, text } of stored) {
      if (states.some((state) => state.handler === handler || handler === undefined)) continue;
      states.push({ handler, state: "dead-letter", places: [], why: text });
    }
    if (account.verdict === "broken" && states.length === 0) {
      states.push({ handler: undefined, state: "dead-letter", places: [], why: "it would become one" });
    }
    return { account, states, partitions: partitionsOf(account, sink.topics) };
  });
}

/** Whether some record of it is in the sink, or would be. */
export function isDelivered({ states }: Whereabouts): boolean {
  return states.some(({ state }) => state !== "dead-letter" && state !== "before-start");
}

function stateOf(
  account: AlertAccount,
  { handler, failure, record }: HandlerAccount,
  acknowledged: readonly HandlerRecords[],
  stored: readonly Letter[],
  around: { readonly parts: WhereaboutsParts; readonly letters: string | undefined; readonly sink: SinkFindings },
): RecordState {
  const found = acknowledged.find((one) => one.handler === handler);
  if (found !== undefined) {
    const former = account.former?.handlers.find((one) => one.handler === handler)?.record;
    const isFormer = former?.digest === found.digest && record?.digest !== found.digest;
    const madeBy = isFormer ? formerly : undefined;
    const why = found.isEqual
      ? madeBy
      : "its value is not what the line gives today: the settings were others, or integratord's copy of the alert was sent";
    return { handler, state: "acknowledged", places: found.places, why };
  }
  const letter = stored.find((one) => one.handler === handler || one.handler === undefined);
  if (letter !== undefined) return { handler, state: "dead-letter", places: [], why: letter.text };
  if (failure !== undefined) {
    return { handler, state: "dead-letter", places: [], why: `it would become one: ${failure}` };
  }
  const { state, why } = around.parts.line.of(account);
  if (state !== "done") return { handler, state, places: [], why };
  const topic = around.sink.topics.find((one) => one.topic === record?.topic);
  const wasMade = account.former?.handlers.some((one) => one.handler === handler && one.record !== undefined);
  const missing =
    around.sink.unusable ??
    topic?.shortfall ??
    (wasMade === false
      ? "the settings of its time did not send it"
      : "no record of it is there since its time: retention may have removed it, or the settings of its time did not send it");
  const reasons = ["the forwarder is done with it", missing, around.letters];
  return { handler, state: "not-known", places: [], why: reasons.filter((text) => text !== undefined).join("; ") };
}

function partitionsOf({ handlers, key }: AlertAccount, topics: readonly TopicSearch[]): ReadonlyMap<string, number> {
  const partitions = new Map<string, number>();
  for (const { handler, record } of handlers) {
    const count = topics.find(({ topic }) => topic === record?.topic)?.partitions ?? 0;
    if (record !== undefined && count > 0) partitions.set(handler, partitionOf(Buffer.from(key), count));
  }
  return partitions;
}

/** What the sink has of one handler. */
interface HandlerRecords {
  readonly handler: string;
  readonly places: RecordPlace[];
  /** SHA-256 of the value of the first, in hex. */
  readonly digest: string;
  /** The value is what the handler makes, today or with the settings of the line's time. */
  readonly isEqual: boolean;
}

interface SinkFindings {
  readonly topics: readonly TopicSearch[];
  readonly records: ReadonlyMap<AlertAccount, readonly HandlerRecords[]>;
  /** Why it was not searched. */
  readonly unusable: string | undefined;
}

/** The records that the handlers make, today or with the settings of the line's time. */
function recordsOf({ handlers, former }: AlertAccount): { readonly handler: string; readonly digest: string }[] {
  return [...handlers, ...(former?.handlers ?? [])].flatMap(({ handler, record }) =>
    record === undefined ? [] : [{ handler, digest: record.digest }],
  );
}

function hasRecords(account: AlertAccount): boolean {
  return account.verdict === "wanted" || recordsOf(account).length > 0;
}

/** What a record's headers say of its alert. */
function nameOf({ id, node }: { readonly id: string | undefined; readonly node: string | undefined }): string {
  return `${node}\u0000${id}`;
}

async function inSink(accounts: readonly AlertAccount[], { find, topics }: WhereaboutsParts): Promise<SinkFindings> {
  const records = new Map<AlertAccount, HandlerRecords[]>();
  const sought = new Map<string, SoughtAlert>();
  for (const account of accounts) {
    const { id, node, key, timestamp } = account;
    if (id === undefined || node === undefined) continue;
    const timeMs = Date.parse(timestamp ?? "");
    const before = sought.get(nameOf(account))?.sinceMs ?? timeMs;
    const sinceMs = Number.isNaN(timeMs) ? undefined : Math.min(before, timeMs);
    sought.set(nameOf(account), { id, node, key: Buffer.from(key), sinceMs });
  }
  if (typeof find !== "function") return { topics: [], records, unusable: find.unusable };
  if (sought.size === 0 || topics.length === 0) return { topics: [], records, unusable: undefined };
  // Of each account the records that are still to be found.
  const missing = new Map(
    accounts.map((account) => [account, new Set(recordsOf(account).map(({ handler }) => handler))]),
  );
  const found = (alert: SoughtAlert, record: FoundRecord): boolean => {
    const namesakes = accounts.filter((account) => nameOf(account) === nameOf(alert));
    const owner = ownerOf(record, namesakes, records);
    if (owner !== undefined) missing.get(owner)?.delete(record.handler);
    return [...missing].every(([account, handlers]) => hasRecords(account) && handlers.size === 0);
  };
  const isWanted = accounts.some(hasRecords);
  const signal = AbortSignal.timeout(isWanted ? searchMs : unwantedSearchMs);
  return { topics: await find({ topics, alerts: [...sought.values()], found, signal }), records, unusable: undefined };
}

/**
 * Gives a record to the alert that it was made of: lines with one id are different alerts. One that today's settings make
 * otherwise is known only by its id, so it counts if no other line has that.
 */
function ownerOf(
  { handler, value, topic, partition, offset, file }: FoundRecord,
  namesakes: readonly AlertAccount[],
  records: Map<AlertAccount, HandlerRecords[]>,
): AlertAccount | undefined {
  const digest = digestOf(value);
  const place = { topic, partition, offset, ...(file !== undefined && { file }) };
  const equal = namesakes.filter((account) =>
    recordsOf(account).some((one) => one.handler === handler && one.digest === digest),
  );
  const has = (account: AlertAccount): HandlerRecords | undefined =>
    records.get(account)?.find((one) => one.handler === handler);
  // The first line that has none yet; a record beyond that is a repetition.
  const owner =
    equal.find((account) => has(account)?.isEqual !== true) ??
    equal[0] ??
    (namesakes.length === 1 ? namesakes[0] : undefined);
  if (owner === undefined) return undefined;
  const isEqual = equal.length > 0;
  const own = has(owner);
  if (own?.isEqual === isEqual) own.places.push(place);
  else if (own === undefined || isEqual) {
    const others = (records.get(owner) ?? []).filter((one) => one !== own);
    records.set(owner, [...others, { handler, places: [place], digest, isEqual }]);
  }
  return owner;
}

async function lettersOf(
  accounts: readonly AlertAccount[],
  { stateDir, maxLineBytes, fallbackNode }: WhereaboutsParts,
): Promise<{ readonly found: ReadonlyMap<AlertAccount, readonly Letter[]>; readonly trouble: string | undefined }> {
  const found = new Map<AlertAccount, Letter[]>();
  let unread = 0;
  const look: Look = { maxRawBytes: maxLineBytes, bad: () => (unread += 1), foreign: () => (unread += 1) };
  try {
    for await (const { id, letter } of select(deadLetterDirectory(stateDir), { kind: "all" }, look)) {
      const { place, raw, reason, detail, handler } = letter;
      const bytes = raw === undefined ? undefined : Buffer.from(raw, "base64");
      const alert = bytes === undefined ? undefined : alertOrFault(bytes);
      for (const account of accounts) {
        const { line, node, timestamp } = account;
        const isSame = alert instanceof Alert && idOf(alert) === account.id && alert.nodeOr(fallbackNode) === node;
        const isSameTime = alert instanceof Alert && alert.timestamp === timestamp;
        const isThere =
          place.offset === line.offset && place.length === line.length && isSamePath(place.file, line.file);
        if (!(isSame && isSameTime) && !isThere) continue;
        found.set(account, [...(found.get(account) ?? []), { id, handler, text: `${id}: ${reason}: ${detail}` }]);
      }
    }
  } catch (reason) {
    return { found, trouble: `the dead letters cannot be read: ${describe(reason)}` };
  }
  return { found, trouble: unread === 0 ? undefined : `${unread} dead letters cannot be read` };
}

/** Whether two paths name one log file, which may have been compressed or moved since. */
function isSamePath(one: string, other: string): boolean {
  const stem = stemOfPath(one);
  return one === other || (stem !== undefined && stem === stemOfPath(other));
}
