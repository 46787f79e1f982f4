import type { z } from "zod";
import { defaultEventIds } from "../../handlers/windows.ts";
import { digits, free, listOf, text, topic, whole } from "../values/schemas.ts";
import { section, switchable } from "../values/section.ts";

const windows = section({
  event_ids: listOf(digits()).prefault(defaultEventIds.map(Number)).describe("Windows events by their number."),
});

/** The filters of integratord's own block in ossec.conf, under the same names and with the same meaning. */
const passthrough = section({
  topic: topic().meta({
    description: "The topic; not the one of dfn.customer_id.",
    examples: ["wazuh-alerts"],
  }),
  level: whole({ least: 0, most: 16 })
    .optional()
    .meta({ description: "The lowest rule level.", examples: [7] }),
  groups: listOf(text((group) => group))
    .optional()
    .meta({
      description: "Any of these groups of rules.",
      examples: [["sshd", "web"]],
    }),
  rule_ids: listOf(digits())
    .optional()
    .meta({ description: "Any of these rules.", examples: [[5710, 5712]] }),
  location: free(1024)
    .optional()
    .meta({
      description: "A pattern of the location (^ $ | and a leading !).",
      examples: ["!^dfn$"],
    }),
});

/** `handlers`: those for DFN are on unless switched off, passthrough is off unless it is given. */
export const handlers = section(
  {
    windows: switchable(windows).prefault("on").describe("Events of Windows' security log."),
    fail2ban: switchable(section({})).prefault("on").describe("Bans of fail2ban."),
    passthrough: switchable(passthrough)
      .prefault("off")
      .describe(
        "Alerts as they are, to a topic of their own; off by default. All conditions that are given must hold, as in the integration block of ossec.conf.",
      ),
  },
  {
    holds: (it) => it.windows !== undefined || it.fail2ban !== undefined || it.passthrough !== undefined,
    message: "every handler is off, so nothing would ever be sent; leave one of them on",
  },
)
  .prefault({})
  .describe("Which alerts are sent, and in which form. Each can be switched on or off (fail2ban: off).");

/** Undefined: switched off. At least one is on. */
export type HandlersSettings = z.output<typeof handlers>;
