import type { Handler } from "../contract.ts";
import { fail2banHandler } from "./fail2ban.ts";
import { type PassthroughConditions, passthroughHandler } from "./passthrough.ts";
import { windowsHandler } from "./windows.ts";

/** Undefined: the handler is switched off. */
export interface HandlerSettings {
  /** The topic of all that goes to DFN. */
  readonly customerId: string;
  /** Networks as address/length. */
  readonly ownNetworks: readonly string[];
  readonly windows: { readonly eventIds: readonly string[] } | undefined;
  readonly fail2ban: object | undefined;
  readonly passthrough: PassthroughConditions | undefined;
}

/**
 * The handlers that are switched on.
 * @throws DfnError CONFIG when one of `ownNetworks` is no network
 */
export function createHandlers(settings: HandlerSettings): Handler[] {
  const { customerId, ownNetworks, windows, fail2ban, passthrough } = settings;
  const handlers: Handler[] = [];
  if (windows !== undefined) handlers.push(windowsHandler(customerId, windows.eventIds));
  if (fail2ban !== undefined) handlers.push(fail2banHandler(customerId, ownNetworks));
  if (passthrough !== undefined) handlers.push(passthroughHandler(passthrough));
  return handlers;
}
