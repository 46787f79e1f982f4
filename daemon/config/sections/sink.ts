import { z } from "zod";
import { path } from "../values/schemas.ts";
import { section, switchable } from "../values/section.ts";
import { kafka } from "./kafka.ts";

const file = section({ path: path().describe("The file, to which records are appended.") });

/** One section for each kind of sink. */
const shape = {
  kafka: switchable(kafka).optional().describe("Apache Kafka."),
  file: switchable(file)
    .optional()
    .meta({
      description: "Instead of kafka: one JSON object per line, for example to hand records over on disk.",
      examples: [{ path: "records.ndjson" }],
    }),
};

const kinds = section(
  shape,
  {
    holds: (it) => configured(it).length > 0,
    message: "no sink is configured; write kafka: { brokers: [host:port] }, or file: { path: records.ndjson }",
  },
  {
    holds: (it) => configured(it).length < 2,
    message: "more than one sink is configured; keep one, and switch the others off (kafka: off)",
  },
);

type Kinds = z.output<typeof kinds>;

/** The sink's kind, and below it the settings of this kind: `{ kind: "file", file: { path } }`. */
export type SinkSettings = {
  [Kind in keyof Kinds]: { readonly kind: Kind } & { readonly [K in Kind]: NonNullable<Kinds[Kind]> };
}[keyof Kinds];

/** The settings of one kind. */
export type SinkSettingsOf<Kind extends SinkSettings["kind"]> = Extract<SinkSettings, { readonly kind: Kind }>;

/** `sink`: exactly one. There is no default, since nobody should find alerts in a file they did not ask for. */
export const sink = z
  .codec(kinds, z.custom<SinkSettings>(), { decode: (it) => onlyKind(it), encode: (it) => everyKind(it) })
  .prefault({})
  .describe("Where records go: either kafka or file.");

function configured(it: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(shape).filter((kind) => it[kind] !== undefined);
}

/** Which kind it is is known when it runs, which TypeScript cannot see in a loop over names. */
function onlyKind(it: Kinds): SinkSettings;
function onlyKind(it: Readonly<Record<string, unknown>>): object {
  const [kind] = configured(it);
  if (kind === undefined) throw new Error("a configuration without a sink has passed the rule above");
  return { kind, [kind]: it[kind] };
}

function everyKind(it: SinkSettings): Kinds;
function everyKind(it: Readonly<Record<string, unknown>>): object {
  const { kind: _, ...settings } = it;
  return settings;
}
