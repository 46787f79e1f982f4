import { z } from "zod";
import { path } from "../values/schemas.ts";
import { section, switchable } from "../values/section.ts";
import { kafka, type KafkaSettings } from "./kafka.ts";

const file = section({ path: path().describe("The file, to which records are appended.") });

export type SinkSettings =
  { readonly kind: "kafka"; readonly kafka: KafkaSettings } | { readonly kind: "file"; readonly path: string };

const both = section(
  {
    kafka: switchable(kafka).optional().describe("Apache Kafka."),
    file: switchable(file)
      .optional()
      .meta({
        description: "Instead of kafka: one JSON object per line, for example to hand records over on disk.",
        examples: [{ path: "records.ndjson" }],
      }),
  },
  {
    holds: (it) => it.kafka !== undefined || it.file !== undefined,
    message: "no sink is configured; write kafka: { brokers: [host:port] }, or file: { path: records.ndjson }",
  },
  {
    holds: (it) => it.kafka === undefined || it.file === undefined,
    message: "kafka and file are both configured; keep one, or switch one off (kafka: off)",
  },
);

/** `sink`: exactly one. There is no default, since nobody should find alerts in a file they did not ask for. */
export const sink = z
  .codec(both, z.custom<SinkSettings>(), {
    decode(it): SinkSettings {
      if (it.kafka !== undefined) return { kind: "kafka", kafka: it.kafka };
      if (it.file !== undefined) return { kind: "file", path: it.file.path };
      throw new Error("a configuration without a sink has passed the rule above");
    },
    encode: (it) =>
      it.kind === "kafka" ? { kafka: it.kafka, file: undefined } : { kafka: undefined, file: { path: it.path } },
  })
  .prefault({})
  .describe("Where records go: either kafka or file.");
