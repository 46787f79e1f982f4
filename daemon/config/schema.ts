import { join } from "node:path";
import { findConflict } from "../handlers/registry.ts";
import type { Config } from "./sections/settings.ts";
import { dfn } from "./sections/dfn.ts";
import { handlers } from "./sections/handlers.ts";
import { limits, log, statusSection } from "./sections/process.ts";
import { sink } from "./sections/sink.ts";
import { sources } from "./sections/sources.ts";
import { wazuh } from "./sections/wazuh.ts";
import { path, section } from "./values/schemas.ts";

const shape = {
  dfn,
  wazuh,
  sources,
  sink: sink.prefault({}),
  handlers,
  state_dir: path().prefault("/var/lib/wazuh-dfn"),
  status: statusSection,
  log,
  limits,
};

/** The names at the top of the configuration. */
export const topNames: readonly string[] = Object.keys(shape);

/** The whole configuration: what `plain` makes of a tree in, complete settings out. */
export const schema = section(shape)
  .superRefine((it, context) => {
    const found = findConflict(it.dfn, it.handlers);
    if (found === undefined) return;
    context.addIssue({ code: "custom", path: ["handlers", ...found.path], message: found.message });
  })
  .transform((it): Config => {
    const { socket, tail } = it.sources;
    const alertsPath = join(it.wazuh.home, "logs/alerts/alerts.json");
    const ownQueue = { kind: "unix", path: join(it.wazuh.home, "queue/sockets/queue") } as const;
    return {
      dfn: it.dfn,
      wazuh: { ...it.wazuh, queue: it.wazuh.queue ?? ownQueue },
      sources: { socket, tail: tail === undefined ? undefined : { ...tail, path: tail.path ?? alertsPath } },
      sink: it.sink,
      handlers: it.handlers,
      stateDir: it.state_dir,
      status: it.status,
      log: it.log,
      limits: it.limits,
    };
  });
