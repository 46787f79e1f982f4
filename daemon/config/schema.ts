import { join } from "node:path";
import { z } from "zod";
import { createHandlers, findConflict, topicsOf } from "../handlers/registry.ts";
import { dfn } from "./sections/dfn.ts";
import { handlers } from "./sections/handlers.ts";
import { manifest } from "./sections/manifest.ts";
import { limits, log } from "./sections/process.ts";
import { sink } from "./sections/sink.ts";
import { sources } from "./sections/sources.ts";
import { statusSection } from "./sections/status.ts";
import { wazuh } from "./sections/wazuh.ts";
import { isSection, type PrintedSettings, type Setting } from "./values/printed.ts";
import { path } from "./values/schemas.ts";
import { section } from "./values/section.ts";

const shape = {
  dfn,
  wazuh,
  sources,
  sink,
  handlers,
  state_dir: path()
    .prefault("/var/lib/wazuh-dfn")
    .describe("Directory of the position in the log, the lock and the dead letters."),
  status: statusSection,
  manifest,
  log,
  limits,
};

/** The names at the top of the configuration. */
export const topNames: readonly string[] = Object.keys(shape);

const whole = section(shape).superRefine((it, context) => {
  const found = findConflict(it.dfn, it.handlers);
  if (found !== undefined)
    context.addIssue({ code: "custom", path: ["handlers", ...found.path], message: found.message });
  if (found !== undefined || it.manifest === undefined) return;
  if (it.sources.tail === undefined) {
    const message = "needs the log, whose lines it counts; switch sources.tail on, or leave manifest off";
    context.addIssue({ code: "custom", path: ["manifest"], message });
  }
  if (topicsOf(createHandlers(it.dfn, it.handlers)).includes(it.manifest.topic)) {
    const message = "is a topic of records, whose readers expect alerts; name a topic of its own";
    context.addIssue({ code: "custom", path: ["manifest", "topic"], message });
  }
});

type Whole = z.output<typeof whole>;
type Sources = Whole["sources"];
type Tail = NonNullable<Sources["tail"]>;

/**
 * The settings as the rest of the forwarder sees them: complete (every default filled in), checked, and without
 * secrets: those are read from where `SecretPlace` says by `secrets.ts`. The name of a setting is that of the file in
 * camel case; durations are in milliseconds and end in Ms, sizes are in bytes and end in Bytes. A section that is
 * switched off, and a setting without default that is not given, is undefined. Relative paths are below the working
 * directory.
 */
export interface Config extends Whole {
  readonly wazuh: WithDefault<Whole["wazuh"], "queue">;
  readonly sources: Omit<Sources, "tail"> & { readonly tail: WithDefault<Tail, "path"> | undefined };
}

type WithDefault<Section, Name extends keyof Section> = Omit<Section, Name> & {
  readonly [N in Name]: NonNullable<Section[N]>;
};

/** The whole configuration: what `plain` makes of a tree in, complete settings out; `z.encode` gives the file's again. */
export const schema = z.codec(whole, z.custom<Config>(), {
  decode(it) {
    const { tail } = it.sources;
    const alertsPath = join(it.wazuh.home, "logs/alerts/alerts.json");
    const ownQueue = { kind: "unix", path: join(it.wazuh.home, "queue/sockets/queue") } as const;
    return {
      ...it,
      wazuh: { ...it.wazuh, queue: it.wazuh.queue ?? ownQueue },
      sources: { ...it.sources, tail: tail === undefined ? undefined : { ...tail, path: tail.path ?? alertsPath } },
    };
  },
  encode: (it) => it,
});

/** The effective settings as a file could hold them, secrets masked; what is not set and has no default is left out. */
export function printedSettings(config: Config): PrintedSettings {
  return withoutUnset(z.encode(schema, config));
}

function withoutUnset(settings: Readonly<Record<string, unknown>>): PrintedSettings {
  const kept: Record<string, Setting> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (isSet(value)) kept[name] = isSection(value) ? withoutUnset(value) : value;
  }
  return kept;
}

/** What the codecs make is a setting of the file, or undefined. */
function isSet(value: unknown): value is Setting {
  return value !== undefined;
}
