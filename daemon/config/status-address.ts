import { join } from "node:path";
import type { Config } from "./schema.ts";
import { isOfThisMachine, type StatusAddress } from "./sections/status.ts";

type Settings = Pick<Config, "status" | "stateDir">;

/** The Unix socket of the status service, which there is on a port too: `status.sock` in the state directory. */
export function statusSocketOf({ status: { listen }, stateDir }: Settings): StatusAddress & { readonly kind: "unix" } {
  return listen.kind === "unix" ? listen : { kind: "unix", path: join(stateDir, "status.sock") };
}

/** Where the commands ask: at the address, if it asks for nothing, so that every user of this machine may; else there. */
export function statusAddressOf(config: Settings): StatusAddress {
  const { listen, tls, tokenFile } = config.status;
  const isOpen = isOfThisMachine(listen) && tls === undefined && tokenFile === undefined;
  return isOpen ? listen : statusSocketOf(config);
}
