import type { z } from "zod";
import { defaultEventIds } from "../../handlers/windows.ts";
import { digits, free, listOf, text, topic, whole } from "../values/schemas.ts";
import { section, switchable } from "../values/section.ts";

const windows = section({
  event_ids: listOf(digits()).prefault(defaultEventIds),
});

/** The filters of integratord's own block in ossec.conf, under the same names and with the same meaning. */
const passthrough = section({
  topic: topic(),
  level: whole({ least: 0, most: 16 }).optional(),
  groups: listOf(text((group) => group)).optional(),
  rule_ids: listOf(digits()).optional(),
  location: free(1024).optional(),
});

/** `handlers`: those for DFN are on unless switched off, passthrough is off unless it is given. */
export const handlers = section(
  {
    windows: switchable(windows).prefault("on"),
    fail2ban: switchable(section({})).prefault("on"),
    passthrough: switchable(passthrough).prefault("off"),
  },
  {
    holds: (it) => it.windows !== undefined || it.fail2ban !== undefined || it.passthrough !== undefined,
    message: "every handler is off, so nothing would ever be sent; leave one of them on",
  },
).prefault({});

/** Undefined: switched off. At least one is on. */
export type HandlersSettings = z.output<typeof handlers>;
