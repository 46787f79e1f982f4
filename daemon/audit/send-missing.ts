/** Sends what an audit has found missing, the way of a replay. */
import type { Config } from "../config/schema.ts";
import type { Sink } from "../contract.ts";
import { secondOf } from "../delivery/shipment.ts";
import { LogWalk } from "../explain/log-walk.ts";
import { createCore, openDeadLetters, type Core } from "../forwarder/core.ts";
import { createCounters } from "../forwarder/counters.ts";
import { Resending } from "../forwarder/resending.ts";
import type { Log } from "../telemetry/log.ts";
import { asItIsNow, type Audited } from "./audit.ts";
import { cameMeanwhile } from "./came-meanwhile.ts";
import type { SinkReader } from "./sink-reading.ts";
import { hourOfSecond } from "./audit-result.ts";
import { LogSide, type ExpectedRecord } from "./log-side.ts";
import type { MissingRecords } from "./missing-records.ts";
import type { SettingsOfTime } from "../explain/settings-of-time.ts";

export interface SendParts {
  readonly config: Config;
  readonly log: Log;
  readonly sink: Sink;
  readonly reader: SinkReader;
  readonly settings: SettingsOfTime;
  readonly missing: MissingRecords;
  readonly audited: Audited;
  readonly maxLineBytes: number;
  readonly collect: () => void;
  readonly signal: AbortSignal;
}

/** What became of the missing records. */
export interface SentMissing {
  /** They had come since the audit read the topic. */
  foundMeanwhile: number;
  sent: number;
  acknowledged: number;
  deadLetters: number;
  /** Their lines were not met again. */
  gone: number;
  /** The topic's new end could not be read, so nothing was sent; a sentence. */
  readonly refusal: string | undefined;
}

/**
 * Reads what has come into the topic since the audit, and sends the rest of what is missing. Resolves when all of it has an
 * outcome.
 */
export async function sendMissing(parts: SendParts): Promise<SentMissing> {
  const { missing, audited, reader, settings, signal } = parts;
  const sent = { foundMeanwhile: 0, sent: 0, acknowledged: 0, deadLetters: 0, gone: 0, refusal: undefined };
  if (missing.count === 0) return sent;
  const since = { reader, settings, missing, names: audited.names, extents: audited.extents, signal };
  const refusal = await cameMeanwhile(since, (second, node) => {
    sent.foundMeanwhile += 1;
    audited.result.found(hourOfSecond(second), node, 1);
  });
  if (refusal !== undefined) return { ...sent, refusal };
  await send(parts, sent);
  return { ...sent, gone: missing.count };
}

type Counted = Pick<SentMissing, "sent" | "acknowledged" | "deadLetters">;

async function send(parts: SendParts, counted: { -readonly [Name in keyof Counted]: number }): Promise<void> {
  const { config, sink, missing, audited, settings, maxLineBytes, signal } = parts;
  await using deadLetters = openDeadLetters(config, parts.log);
  await using resending = await Resending.begin(config, "missing");
  const unpaired = { pairing: undefined, offsets: undefined, feedback: undefined };
  const account = resending?.account;
  const core = createCore({ config, sink, deadLetters, account, counters: createCounters(), ...unpaired });
  const lines = new LogSide(settings, audited.names, { fromMs: undefined, toMs: undefined });
  const walk = new LogWalk(maxLineBytes, parts.collect);
  try {
    core.shipper.begin(await sink.lookup(core.topics, {}));
    for (const file of audited.files) {
      if (missing.count === 0) break;
      if (![file.path, `${file.path}.gz`].some((path) => missing.files.has(audited.names.files.find(path) ?? -1)))
        continue;
      await walk.file(await asItIsNow(file), settings.filter, async ({ origin, offset, length, bytes }) => {
        signal.throwIfAborted();
        const line = { file: origin.file, offset, length, bytes };
        for (const record of lines.recordsOf(line)) {
          if (missing.take(record.key)) offer(core, line, record, settings, audited, counted);
        }
        for (let room = core.budget.room(); room !== undefined; room = core.budget.room()) await room;
      });
    }
    core.outbox.flush();
    await core.shipper.idle();
  } finally {
    core.shipper.dispose();
    core.outbox.dispose();
  }
}

function offer(
  core: Core,
  line: { readonly file: string; readonly offset: number },
  { handler, alert, start }: ExpectedRecord,
  settings: SettingsOfTime,
  { result }: Audited,
  counted: { -readonly [Name in keyof Counted]: number },
): void {
  counted.sent += 1;
  const second = secondOf(alert.id ?? "");
  const timeMs = Date.parse(alert.timestamp ?? "");
  const hour = hourOfSecond(second < 0 && timeMs >= 0 ? Math.floor(timeMs / 1000) : second);
  const node = settings.at(line.file, line.offset).nodeOf(alert);
  const settled = (outcome: string): void => {
    if (outcome === "dead-letter") counted.deadLetters += 1;
    if (outcome !== "acknowledged") return;
    counted.acknowledged += 1;
    result.found(hour, node, 1);
  };
  const bytes = Buffer.from(alert.bytes);
  const place = { file: line.file, offset: line.offset + start, length: bytes.length };
  core.pipeline.offer({ source: "replay", bytes, place, handler, owner: { settled } });
}
