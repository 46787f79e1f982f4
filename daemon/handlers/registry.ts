import type { Handler } from "../contract.ts";
import type { ExplainedHandler } from "./conditions.ts";
import type { HandlerContext, HandlerDefinition, WantedAlerts } from "./definition.ts";
import { fail2ban } from "./fail2ban.ts";
import { passthrough } from "./passthrough.ts";
import { windows } from "./windows.ts";

/** All handlers, in the order in which they are asked, and in which the sample and `config print` name them. */
const definitions = [windows, fail2ban, passthrough] as const;

type Definition = (typeof definitions)[number];

type SettingsOf<D> = D extends HandlerDefinition<string, infer Settings> ? Settings : never;

/** By the handler's name; undefined or absent: switched off. */
export type HandlersSettings = {
  readonly [D in Definition as D["name"]]?: SettingsOf<D> | undefined;
};

/** The same definitions for whoever treats all handlers alike. */
export const handlerDefinitions: readonly HandlerDefinition<string, unknown>[] = definitions;

/** All reasons for which handlers report an alert as left out. */
export const leftOutReasons: readonly string[] = handlerDefinitions.flatMap((it) => it.leftOutReasons);

/** The handlers that are switched on, with their settings. */
function enabled(settings: HandlersSettings): { definition: HandlerDefinition<string, unknown>; own: unknown }[] {
  const byName: Readonly<Record<string, unknown>> = settings;
  return handlerDefinitions.flatMap((definition) => {
    const own = byName[definition.name];
    return own === undefined ? [] : [{ definition, own }];
  });
}

/**
 * The handlers that are switched on.
 * @throws DfnError CONFIG when one of `ownNetwork` is not a network
 */
export function createHandlers(context: HandlerContext, settings: HandlersSettings): ExplainedHandler[] {
  return enabled(settings).map(({ definition, own }) => definition.create(own, context));
}

/** Every topic that these handlers may write to, each once. */
export function topicsOf(handlers: readonly Handler[]): readonly string[] {
  return [...new Set(handlers.flatMap(({ topics }) => topics))];
}

/** What each handler that is switched on wants. */
export function wantedAlerts(settings: HandlersSettings): (WantedAlerts & { readonly handler: string })[] {
  return enabled(settings).map(({ definition, own }) => ({ handler: definition.name, ...definition.wanted(own) }));
}

/** The first setting of a handler that cannot work together with the context. */
export function findConflict(
  context: HandlerContext,
  settings: HandlersSettings,
): { readonly path: readonly [handler: string, setting: string]; readonly message: string } | undefined {
  for (const { definition, own } of enabled(settings)) {
    const found = definition.conflict?.(own, context);
    if (found !== undefined) return { path: [definition.name, found.setting], message: found.message };
  }
  return undefined;
}
