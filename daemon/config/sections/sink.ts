import type { SinkSettings } from "./settings.ts";
import { path, rule, section, switchable } from "../values/schemas.ts";
import { kafkaSink } from "./kafka.ts";

const file = section({ path: path() });

/** `sink`: exactly one. There is no default, since nobody should find alerts in a file they did not ask for. */
export const sink = section({ kafka: kafkaSink, file: switchable(file).prefault("off") })
  .refine(
    (it) => it.kafka !== undefined || it.file !== undefined,
    rule("no sink is configured; write kafka: { brokers: [host:port] }, or file: { path: records.ndjson }"),
  )
  .refine(
    (it) => it.kafka === undefined || it.file === undefined,
    rule("kafka and file are both configured; keep one, or switch one off (kafka: off)"),
  )
  .transform((it): SinkSettings => {
    if (it.kafka !== undefined) return { kind: "kafka", kafka: it.kafka };
    if (it.file !== undefined) return { kind: "file", path: it.file.path };
    throw new Error("a configuration without a sink has passed the rule above");
  });
