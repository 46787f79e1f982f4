import type { z } from "zod";
import type { ExplainedHandler } from "./conditions.ts";

/** What every handler may need to know besides its own settings. */
export interface HandlerContext {
  /** `dfn.customer_id`: the topic of all that goes to DFN. */
  readonly customerId: string;
  /** `dfn.own_network`: networks as address/length; may be empty. */
  readonly ownNetwork: readonly string[];
}

/** Which alerts a handler wants, as far as the filters of integratord's block in ossec.conf can express it. */
export interface WantedAlerts {
  /** The lowest `rule.level`; 0 for all. */
  readonly level: number;
  /** Any of these groups; undefined if the group does not matter. */
  readonly groups: readonly string[] | undefined;
  /** A `location` that such alerts usually have; undefined if there is no usual one. */
  readonly location?: string;
}

/** A setting that cannot work together with the context. */
interface SettingConflict {
  /** The setting below the handler's section, under its name in the file. */
  readonly setting: string;
  /** What is wrong and what to do; without a full stop. */
  readonly message: string;
}

/**
 * Everything that the forwarder knows of one handler. `registry.ts` lists them, and all else comes from there: the
 * section `handlers.<name>` of the configuration, `config print`, `config sample`, the topics that are looked up after a
 * crash, and the doctor's check of the integration block.
 */
export interface HandlerDefinition<Name extends string, Settings> {
  /** In the configuration, in records' headers, in dead letters and in /status. Never changes once it is released. */
  readonly name: Name;
  /** One paragraph above it in `config sample`. */
  readonly description: string;
  readonly isOnByDefault: boolean;
  /** The section in the file, without the switch on and off; each setting with a description and a default or an example. */
  readonly settings: z.ZodType<Settings>;
  /** The values that `leftOut` of the handler may give; none without it. */
  readonly leftOutReasons: readonly string[];
  wanted(settings: Settings): WantedAlerts;
  conflict?(settings: Settings, context: HandlerContext): SettingConflict | undefined;
  /** Settings as the file has them, and an alert for which the handler then makes a record. */
  readonly example: { readonly settings: unknown; readonly alert: object };
  /** @throws DfnError CONFIG when the context cannot be used */
  create(settings: Settings, context: HandlerContext): ExplainedHandler;
}

/** Lets TypeScript find both type parameters by itself. */
export function defineHandler<const Name extends string, Settings>(
  definition: HandlerDefinition<Name, Settings>,
): HandlerDefinition<Name, Settings> {
  return definition;
}
