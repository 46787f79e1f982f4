import type { Socket } from "node:net";
import { loadNative } from "./native.ts";

/**
 * Makes the kernel forget what a connection has not brought to the other side when it is closed, by a kill of the
 * process too. Otherwise it goes on sending for a process that is gone: a host that was cut off delivers old requests
 * when the network is back, behind the look-up of the process that was started since, and records are there twice (seen with
 * Linux 6: 37 of them, after a SIGKILL while the cable was out).
 * @returns whether the kernel will
 */
export function resetOnClose(socket: Socket): boolean {
  const fd = fdOf(socket);
  if (fd === undefined) return false;
  try {
    loadNative().resetOnClose(fd);
    return true;
  } catch {
    // The native file is missing, as the lock of the state directory reports, and only this late delivery is left; or the
    // connection has just ended.
    return false;
  }
}

/** Node does not offer the descriptor of a socket; its handle has it, also under TLS. */
function fdOf(socket: Socket & { readonly _handle?: { readonly fd?: number } | null }): number | undefined {
  const fd = socket._handle?.fd;
  return fd === undefined || fd < 0 ? undefined : fd;
}
