import { defaultEventIds } from "../../handlers/windows.ts";
import type { HandlersSettings, PassthroughSettings } from "./settings.ts";
import { free, listOf, readDigits, readTopic, rule, section, switchable, text, whole } from "../values/schemas.ts";

const windows = section({
  event_ids: listOf(readDigits).prefault(defaultEventIds.join(",")),
}).transform((it) => ({ eventIds: it.event_ids }));

/** The filters of integratord's own block in ossec.conf, under the same names and with the same meaning. */
const passthrough = section({
  topic: text(readTopic),
  level: whole({ least: 0, most: 16 }).optional(),
  groups: listOf((group) => group).optional(),
  rule_ids: listOf(readDigits).optional(),
  location: free(1024).optional(),
}).transform((it): PassthroughSettings => ({
  topic: it.topic,
  ...(it.level === undefined ? {} : { level: it.level }),
  ...(it.groups === undefined ? {} : { groups: it.groups }),
  ...(it.rule_ids === undefined ? {} : { ruleIds: it.rule_ids }),
  ...(it.location === undefined ? {} : { location: it.location }),
}));

/** `handlers`: those for DFN are on unless switched off, passthrough is off unless it is given. */
export const handlers = section({
  windows: switchable(windows).prefault("on"),
  fail2ban: switchable(section({})).prefault("on"),
  passthrough: switchable(passthrough).prefault("off"),
})
  .refine(
    (it) => it.windows !== undefined || it.fail2ban !== undefined || it.passthrough !== undefined,
    rule("every handler is off, so nothing would ever be sent; leave one of them on"),
  )
  .transform((it): HandlersSettings => it)
  .prefault({});
