import { closeSync } from "node:fs";
import { describe, errnoOf } from "../errors.ts";
import type { Native } from "../os/native.ts";

/**
 * - sent: analysisd's queue has it.
 * - full: the queue is full; it takes 11 or 12 datagrams of any size (net.unix.max_dgram_qlen).
 * - too-large: no try will help.
 * - away: nobody is there, or we may not; `why` is the name of the system error.
 */
export type SendResult =
  { readonly kind: "sent" | "full" | "too-large" } | { readonly kind: "away"; readonly why: string };

/**
 * analysisd's queue socket: Unix datagrams, sent without ever waiting.
 *
 * analysisd unlinks and binds its socket anew at each start and leaves the file behind when it stops (Wazuh 4.14
 * source: os_net/os_net.c:137-187), so a connection ends with ECONNREFUSED and then ENOTCONN for ever: whatever fails on
 * an old connection is tried once on a new one.
 */
export class QueueSocket implements Disposable {
  readonly #native: Native;
  readonly #path: string;
  #fd: number | undefined;

  constructor(native: Native, path: string) {
    this.#native = native;
    this.#path = path;
  }

  send(datagram: Buffer): SendResult {
    const isOld = this.#fd !== undefined;
    const result = this.#sendOnce(datagram);
    return isOld && result.kind === "away" ? this.#sendOnce(datagram) : result;
  }

  /** Lets go of the connection; the next `send` makes a new one. Safe in every state. */
  [Symbol.dispose](): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }

  #sendOnce(datagram: Buffer): SendResult {
    try {
      this.#fd ??= this.#native.connectDatagram(this.#path);
    } catch (reason) {
      return { kind: "away", why: errnoOf(reason) ?? describe(reason) };
    }
    const why = this.#native.sendDatagram(this.#fd, datagram);
    if (why === undefined) return { kind: "sent" };
    if (why === "EAGAIN" || why === "ENOBUFS") return { kind: "full" };
    if (why === "EMSGSIZE") return { kind: "too-large" };
    this[Symbol.dispose]();
    return { kind: "away", why };
  }
}
