import { z } from "zod";
import type { Problem } from "../config/values/problem.ts";
import type { TlsWithPassphrase } from "../config/secrets.ts";
import type { Sink } from "../contract.ts";
import type { BatchLimits } from "../delivery/batch-queue.ts";
import type { KafkaTelemetry } from "../sinks/kafka/connection/telemetry.ts";
import type { RecordSearch, TopicSearch } from "../records/record-search.ts";
import type { RecordReading, TopicExtent, UnreadRecords } from "../records/record-reading.ts";
import type { LatencySummary } from "../telemetry/latency.ts";
import type { Log } from "../telemetry/log.ts";
import type { ReasonCode } from "../telemetry/reason-codes.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a sink is made with, besides its settings. */
export interface SinkSetup {
  readonly env: Environment;
  readonly log: Log;
  readonly telemetry: KafkaTelemetry;
}

/** Something that is wrong with the sink. */
interface SinkTrouble {
  readonly code: ReasonCode;
  readonly subject: string;
  readonly text: string;
  /** Empty if the text says it, or if it passes by itself. */
  readonly remedy: string;
  /** How long it must last before it is reported. */
  readonly patienceMs: number;
}

/** A metric of the sink; one without a value is left out. */
export interface SinkSample {
  readonly name: string;
  readonly help: string;
  readonly value: number | undefined;
}

/**
 * Everything that the forwarder knows of one kind of sink, but for its settings' form (`config/sections/sink.ts`) and its
 * links in the doctor (`doctor/links/sink.ts`). `registry.ts` lists them; nothing else asks for the kind.
 */
export interface SinkDefinition<
  Settings extends { readonly kind: string },
  S extends Sink,
  SinkState extends { readonly kind: Settings["kind"] },
> {
  readonly kind: Settings["kind"];
  /** What is wrong with the settings and with what they name. Connects to nothing. */
  check(settings: Settings, env: Environment): readonly Problem[];
  /**
   * With its secrets read; it is not opened yet.
   * @throws DfnError CONFIG for settings, certificates, keys or a password that cannot be read or used
   */
  create(settings: Settings, setup: SinkSetup): S;
  batchLimits(settings: Settings): BatchLimits;
  /** How far back from a topic's end a node's newest manifest is looked for when its state is lost; in offsets. */
  readonly searchedBack: number;
  /** Finds records that are in the sink; its signal ends the search. Never rejects, and writes nothing. */
  find(sink: S, search: RecordSearch): Promise<readonly TopicSearch[]>;
  /** Where topics begin and end now. Rejects only with the signal's reason. */
  extents(sink: S, topics: readonly string[], signal: AbortSignal): Promise<readonly TopicExtent[]>;
  /** Reads back what is there. @returns why some records were not seen; none if all were */
  read(sink: S, reading: RecordReading): Promise<readonly UnreadRecords[]>;
  /**
   * What is set for a topic, by Kafka's names; undefined for a sink that has no such settings.
   * @throws Error that says why it is not known
   */
  topicSettings(sink: S, topic: string): Promise<ReadonlyMap<string, string> | undefined>;
  /** Files that it writes: whoever the forwarder becomes must own their directories. */
  writtenFiles(settings: Settings): readonly string[];
  /** Whose certificates are watched; undefined without TLS. */
  tls(settings: Settings): TlsWithPassphrase | undefined;

  /** Its part of /status, as it is at this moment. @param latency of its acknowledgements; undefined before the first */
  state(sink: S, latency: LatencySummary | undefined): SinkState;
  /** The same as it is checked by whoever asks for the status. */
  readonly answer: z.ZodObject;
  /** Whether a known trouble explains that no record gets an outcome. */
  isHeldUp(state: SinkState): boolean;
  /** All that is wrong, the most important first. */
  troubles(state: SinkState): readonly SinkTrouble[];
  samples(state: SinkState): readonly SinkSample[];
  /** Lines of `wazuh-dfn status`. @param nowMs milliseconds since 1970 */
  summary(state: SinkState, nowMs: number): readonly (readonly [name: string, text: string])[];
}

/** Bounds of what is believed of an answer to `/status`: every text has one, every number is one. */
export const answerParts = {
  text: z.string().max(16_384),
  word: z.string().max(256),
  number: z.number(),
  list: <T extends z.ZodType>(of: T) => z.array(of).max(1000),
} as const;
