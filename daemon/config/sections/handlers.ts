import { z } from "zod";
import { handlerDefinitions, type HandlersSettings } from "../../handlers/registry.ts";
import { section, switchable } from "../values/section.ts";

/** One section for each handler, which may be switched on and off. */
const shape: Record<string, z.ZodType> = {};
for (const { name, description, settings, isOnByDefault } of handlerDefinitions) {
  shape[name] = switchable(settings)
    .prefault(isOnByDefault ? "on" : "off")
    .describe(description);
}

const everyHandler = section(shape, {
  holds: (it) => Object.values(it).some((settings) => settings !== undefined),
  message: "every handler is off, so nothing would ever be sent; leave one of them on",
});

/** `handlers`. TypeScript cannot see in a loop over names which settings are whose. */
export const handlers = z
  .codec(everyHandler, z.custom<HandlersSettings>(), { decode: (it) => it, encode: (it) => it })
  .prefault({})
  .describe("Which alerts are sent, and in which form. Each can be switched on or off (fail2ban: off).");
