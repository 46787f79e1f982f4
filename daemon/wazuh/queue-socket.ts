import { closeSync } from "node:fs";
import { describe, errnoOf } from "../errors.ts";
import type { Native } from "../os/native.ts";
import type { QueueTransport, SendResult } from "./queue-transport.ts";

/**
 * analysisd's queue socket: Unix datagrams, sent without ever waiting. The kernel's queue takes 11 or 12 datagrams of any
 * size (net.unix.max_dgram_qlen).
 *
 * analysisd unlinks and binds its socket again at each start and leaves the file behind when it stops (Wazuh 4.14
 * source: os_net/os_net.c:137-187), so a connection ends with ECONNREFUSED and then ENOTCONN for ever: whatever fails on
 * an old connection is tried once on a new one.
 */
export class QueueSocket implements QueueTransport {
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

  /** A connection leads to the socket that was at the path when it was made: a new one for each burst finds a new one. */
  idle(): void {
    this[Symbol.dispose]();
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
