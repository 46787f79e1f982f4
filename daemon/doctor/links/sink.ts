import { readTlsSecrets } from "../../config/secrets.ts";
import type { Config } from "../../config/schema.ts";
import type { SinkSettings, SinkSettingsOf } from "../../config/sections/sink.ts";
import type { Problem } from "../../config/values/problem.ts";
import { createHandlers, topicsOf } from "../../handlers/registry.ts";
import { kafkaOptions } from "../../sink-kinds/kafka.ts";
import { probeKafka } from "../../sinks/kafka/probe.ts";
import { certificateExpiries } from "../../status/certificates.ts";
import { link, type Link } from "../chain.ts";
import type { DoctorContext } from "../context.ts";
import { judgeBrokers, judgeCertificates, judgePermission, judgePlaintext, judgeTopics } from "./kafka.ts";
import { judgeManifestTopic } from "./manifest-topic.ts";
import { judgeTopicSettings } from "./topic-settings.ts";

/** All that is asked of Kafka has this time together. */
const kafkaWithinMs = 5000;

interface LinksOf<Settings> {
  /** @param problems what `check` finds wrong with the settings */
  links(context: DoctorContext, settings: Settings, config: Config, problems: readonly Problem[]): Link[];
}

/** By kind of sink: its own links. */
const ofKind: Readonly<Record<SinkSettings["kind"], LinksOf<SinkSettings>>> = {
  kafka: { links: kafkaLinks },
  file: { links: () => [] },
};

/** The links between the forwarder and where its records go. */
export function sinkLinks(context: DoctorContext, config: Config, problems: readonly Problem[]): Link[] {
  const { sink } = config;
  return ofKind[sink.kind].links(context, sink, config, problems);
}

function kafkaLinks(
  { env }: DoctorContext,
  { kafka }: SinkSettingsOf<"kafka">,
  config: Config,
  problems: readonly Problem[],
): Link[] {
  const tls = problems.filter(({ setting }) => setting?.startsWith("sink.kafka.tls") === true);
  const certificates = link("certificates", () =>
    judgeCertificates(tls, certificateExpiries(kafka.tls && readTlsSecrets(kafka.tls), Date.now())),
  );
  // One probe for all links.
  const manifests = config.manifest?.topic;
  const topics = topicsOf(createHandlers(config.dfn, config.handlers));
  const asked = manifests === undefined ? topics : [...topics, manifests];
  const whole = (async () => probeKafka(kafkaOptions(kafka, env), asked, kafkaWithinMs))();
  whole.catch(() => {}); // The links have it.
  const probe = whole.then((seen) => ({ ...seen, topics: seen.topics.filter(({ topic }) => topic !== manifests) }));
  probe.catch(() => {});
  return [
    certificates,
    link("brokers", async () => {
      const seen = await probe;
      return [...judgeBrokers(seen, Date.now()), ...judgePlaintext(seen, kafka.tls !== undefined)];
    }),
    link("topics", async () => judgeTopics(await probe)),
    link("topic settings", async () => judgeTopicSettings(await probe, { batchBytes: kafka.batchBytes })),
    link("write permission", async () => judgePermission(await probe, "write")),
    link("read permission", async () => judgePermission(await probe, "read")),
    link("manifests", async () => (manifests === undefined ? [] : judgeManifestTopic(await whole, manifests))),
  ];
}
