import { unixAddress, type Libc } from "./libc.ts";

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
  readonly #libc: Libc;
  readonly #address: Buffer | undefined;
  #fd: number | undefined;

  constructor(libc: Libc, path: string) {
    this.#libc = libc;
    this.#address = unixAddress(path);
  }

  send(datagram: Buffer): SendResult {
    const isOld = this.#fd !== undefined;
    const result = this.#sendOnce(datagram);
    return isOld && result.kind === "away" ? this.#sendOnce(datagram) : result;
  }

  /** Lets go of the connection; the next `send` makes a new one. Safe in every state. */
  [Symbol.dispose](): void {
    if (this.#fd === undefined) return;
    this.#libc.close(this.#fd);
    this.#fd = undefined;
  }

  #sendOnce(datagram: Buffer): SendResult {
    const fd = this.#fd ?? this.#connect();
    if (typeof fd === "string") return { kind: "away", why: fd };
    if (this.#libc.send(fd, datagram) !== -1) return { kind: "sent" };
    const why = this.#libc.errno();
    if (why === "EAGAIN" || why === "ENOBUFS") return { kind: "full" };
    if (why === "EMSGSIZE") return { kind: "too-large" };
    this[Symbol.dispose]();
    return { kind: "away", why };
  }

  /** The descriptor of a new connection, or the name of the error. */
  #connect(): number | string {
    if (this.#address === undefined) return "ENAMETOOLONG";
    const fd = this.#libc.socket();
    if (fd === -1) return this.#libc.errno();
    if (this.#libc.connect(fd, this.#address) === -1) {
      const why = this.#libc.errno();
      this.#libc.close(fd);
      return why;
    }
    this.#fd = fd;
    return fd;
  }
}
