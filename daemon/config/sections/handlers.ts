import type { z } from "zod";
import { handlerDefinitions, type HandlersSettings } from "../../handlers/registry.ts";
import { rule, section, switchable } from "../values/schemas.ts";

/** One section for each handler, which may be switched on and off. */
const shape: Record<string, z.ZodType> = {};
for (const { name, settings, isOnByDefault } of handlerDefinitions) {
  shape[name] = switchable(settings).prefault(isOnByDefault ? "on" : "off");
}

/** `handlers`. */
export const handlers = section(shape)
  .refine(
    (it) => Object.values(it).some((settings) => settings !== undefined),
    rule("every handler is off, so nothing would ever be sent; leave one of them on"),
  )
  .transform((it): HandlersSettings => it)
  .prefault({});
