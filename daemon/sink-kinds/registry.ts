import { z } from "zod";
import type { SinkSettings } from "../config/sections/sink.ts";
import type { Sink } from "../contract.ts";
import type { RecordSearch, TopicSearch } from "../records/record-search.ts";
import type { RecordReading, TopicExtent, UnreadRecords } from "../records/record-reading.ts";
import type { LatencySummary } from "../telemetry/latency.ts";
import type { SinkDefinition, SinkSetup } from "./definition.ts";
import { fileDefinition } from "./file.ts";
import { kafkaDefinition } from "./kafka.ts";

/** All kinds of sinks. */
const definitions = { kafka: kafkaDefinition, file: fileDefinition } as const satisfies Record<
  SinkSettings["kind"],
  object
>;

type Definition = (typeof definitions)[keyof typeof definitions];

/** The sink's part of /status. */
export type SinkFacts = ReturnType<Definition["state"]>;

/** The same definitions for whoever treats all sinks alike. */
const byKind: Readonly<Record<SinkSettings["kind"], SinkDefinition<SinkSettings, Sink, SinkFacts>>> = definitions;

/** What is known of the kind of sink that settings or a status name. */
export function sinkDefinition({ kind }: { readonly kind: SinkSettings["kind"] }): typeof byKind.kafka {
  return byKind[kind];
}

const [first, ...others] = Object.values(byKind).map(({ answer }) => answer);
if (first === undefined) throw new Error("there are no sinks");

/** The sink's part of an answer to `/status`, to be checked. */
export const sinkAnswer = z.discriminatedUnion("kind", [first, ...others]);

/** The sink that the configuration names, and its part of /status. */
interface ConfiguredSink {
  readonly sink: Sink;
  /** @param latency of its acknowledgements; undefined before the first */
  readonly state: (latency: LatencySummary | undefined) => SinkFacts;
  /** See `SinkDefinition`. */
  readonly find: (search: RecordSearch) => Promise<readonly TopicSearch[]>;
  /** See `SinkDefinition`. */
  readonly extents: (topics: readonly string[], signal: AbortSignal) => Promise<readonly TopicExtent[]>;
  /** See `SinkDefinition`. */
  readonly read: (reading: RecordReading) => Promise<readonly UnreadRecords[]>;
  /** See `SinkDefinition`. */
  readonly topicSettings: (topic: string) => Promise<ReadonlyMap<string, string> | undefined>;
}

/**
 * The sink that the configuration names, with its secrets read.
 * @throws DfnError CONFIG for settings, certificates, keys or a password that cannot be read or used
 */
export function createSink(settings: SinkSettings, setup: SinkSetup): ConfiguredSink {
  const definition = sinkDefinition(settings);
  const sink = definition.create(settings, setup);
  return {
    sink,
    state: (latency) => definition.state(sink, latency),
    find: (search) => definition.find(sink, search),
    extents: (topics, signal) => definition.extents(sink, topics, signal),
    read: (reading) => definition.read(sink, reading),
    topicSettings: (topic) => definition.topicSettings(sink, topic),
  };
}
