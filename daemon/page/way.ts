/** The way of an alert in figures: what the page draws, and what `wazuh-dfn top` lists. */
import { byteSize, grouped } from "../telemetry/amounts.ts";
import { lasting } from "../telemetry/lasting.ts";
import type { CauseView, ManifestsView, SinkView, StatusView } from "./status-view.ts";

/** A status, and when it came. */
export interface StatusLook {
  readonly status: StatusView;
  /** Milliseconds of a clock that only goes forward. */
  readonly atMs: number;
}

/** The steps of the way, in its order; `dead` and `ignored` are where it ends aside. */
export type StepName =
  "tail" | "socket" | "relevant" | "ignored" | "pairing" | "handlers" | "queue" | "sink" | "deadLetters";

/** One step of the way of an alert. */
export interface Step {
  readonly name: StepName;
  /** For people. */
  readonly title: string;
  /** Alerts that came by since the forwarder was started; for the queue, those that are in it. */
  readonly count: number;
  /** Alerts a second between two looks; undefined before the second one, for the queue, and over a restart. */
  readonly perSecond: number | undefined;
  /** How far it is behind, or what waits there; may be empty. */
  readonly note: string;
  /** Whether something is wrong at this step. */
  readonly isBad: boolean;
}

/** Which counter a step shows. */
type Figure = (status: StatusView) => number;

const allSources = (pick: (counts: StatusView["sources"][string]) => number): Figure => {
  return ({ sources }) => Object.values(sources).reduce((sum, counts) => sum + pick(counts), 0);
};

const figures = {
  tail: ({ sources }) => sources["tail"]?.read ?? 0,
  socket: ({ sources }) => sources["socket"]?.read ?? 0,
  relevant: allSources(({ read, ignored }) => read - ignored),
  ignored: allSources(({ ignored }) => ignored),
  pairing: allSources(({ paired }) => paired),
  handlers: ({ events }) => Object.values(events.records ?? {}).reduce((sum, count) => sum + count, 0),
  queue: ({ queue }) => queue.alerts,
  sink: allSources(({ acknowledged }) => acknowledged),
  deadLetters: allSources(({ deadLettered }) => deadLettered),
} as const satisfies Record<StepName, Figure>;

/**
 * The steps at this moment.
 * @param before an earlier look, for the rates
 * @param wallMs milliseconds since 1970
 */
export function wayOf(now: StatusLook, before: StatusLook | undefined, wallMs: number): readonly Step[] {
  const { status } = now;
  const step = (name: StepName, title: string, note: string, isBad = false): Step => ({
    name,
    title,
    count: figures[name](status),
    perSecond: name === "queue" ? undefined : rateOf(figures[name], now, before),
    note,
    isBad,
  });
  const { log, queue, pairingWindow, socket, events, sink, deadLetters } = status;
  const left = (deadLetters.open?.entries ?? 0) + (deadLetters.openNonAlerts?.entries ?? 0);
  return [
    ...(log === undefined ? [] : [step("tail", "alerts.json", logNote(log), isLogBad(log))]),
    ...(socket === undefined ? [] : [step("socket", "integratord", socketNote(socket))]),
    step("relevant", "relevant", ""),
    step("ignored", "ignored", "no handler wants them"),
    ...(pairingWindow === undefined
      ? []
      : [step("pairing", "paired", `second copies; alerts remembered: ${grouped(pairingWindow)}`)]),
    step("handlers", "records", handlerNote(events.records ?? {})),
    step("queue", "in flight", `${byteSize(queue.bytes)} of ${byteSize(queue.limitBytes)}`),
    step("sink", sink.kind === "kafka" ? "Kafka" : sink.kind, sinkNote(sink, wallMs), isSinkBad(sink)),
    step("deadLetters", "dead letters", left === 0 ? "" : `${grouped(left)} in the store are open`, left > 0),
  ];
}

/** Alerts a second by a counter of both looks. */
function rateOf(figure: Figure, now: StatusLook, before: StatusLook | undefined): number | undefined {
  if (before === undefined || before.status.pid !== now.status.pid) return undefined;
  const seconds = (now.atMs - before.atMs) / 1000;
  const more = figure(now.status) - figure(before.status);
  // A reload may take counts back: what was open is counted when it is read again.
  return seconds > 0 ? Math.max(0, more) / seconds : undefined;
}

function isLogBad({ state, lagSeconds, damagedArchives = [] }: NonNullable<StatusView["log"]>): boolean {
  return state.startsWith("waiting: ") || (lagSeconds ?? 0) > 60 || damagedArchives.length > 0;
}

function logNote({ state, lagBytes, lagCompressedFiles, lagSeconds }: NonNullable<StatusView["log"]>): string {
  if (state.startsWith("waiting: ")) return state;
  if (lagBytes === undefined) return `${state}, how far behind is not yet known`;
  if (lagBytes === 0 && lagCompressedFiles === 0) return `${state}, up to date`;
  const files = lagCompressedFiles > 0 ? ` and ${lagCompressedFiles} compressed files` : "";
  const time = lagSeconds === undefined ? "" : `, ${lasting(lagSeconds)}`;
  return `${state}, ${byteSize(lagBytes)}${files}${time} behind`;
}

function socketNote({ refused, contradicted }: NonNullable<StatusView["socket"]>): string {
  const parts = [
    ...(refused > 0 ? [`${grouped(refused)} connections refused`] : []),
    ...(contradicted > 0 ? [`${grouped(contradicted)} copies unlike the log`] : []),
  ];
  return parts.join(", ");
}

function handlerNote(records: Readonly<Record<string, number>>): string {
  return Object.entries(records)
    .map(([name, count]) => `${name} ${grouped(count)}`)
    .join(", ");
}

function isSinkBad({ kind, isConnected, trouble, lastError }: SinkView): boolean {
  return trouble !== undefined || (kind === "kafka" && isConnected === false && lastError !== undefined);
}

function sinkNote(sink: SinkView, wallMs: number): string {
  if (sink.trouble !== undefined) return sink.trouble;
  if (sink.kind !== "kafka") return "";
  const parts = [
    sink.isConnected === true ? `connected to ${counted(sink.connected?.length ?? 0, "broker")}` : "not connected",
  ];
  if ((sink.waitingBatches ?? 0) > 0) parts.push(`${counted(sink.waitingBatches ?? 0, "batch", "batches")} waiting`);
  if (sink.lastAcknowledgedAt !== undefined)
    parts.push(`last acknowledged ${lasting((wallMs - sink.lastAcknowledgedAt) / 1000)} ago`);
  if (sink.latency !== undefined) parts.push(`99 % within ${sink.latency.p99Ms} ms`);
  return parts.join(", ");
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** How far manifests are. */
export function manifestsText({ topic, sequence, waiting }: ManifestsView): string {
  return `${grouped(sequence)} made, ${grouped(waiting)} not in ${topic} yet`;
}

/** Open dead letters by cause, of alerts and of lines that are not; the rarest are not among them. */
export function openCausesOf({ deadLetters }: StatusView): readonly CauseView[] {
  const { open, openNonAlerts } = deadLetters;
  return [...(open?.causes ?? []), ...(openNonAlerts?.causes ?? [])];
}
