import { setTimeout as delay } from "node:timers/promises";
import { describe } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";
import { loadLibc, unixAddress, type Libc } from "../wazuh/libc.ts";

const triesAtMost = 50;
const waitMs = 20;

/**
 * The datagram socket on which systemd listens to a service (sd_notify(3)). Where nobody listens, because the process was
 * started by hand, nothing is sent.
 */
export class NotifySocket {
  readonly #address: Buffer | undefined;
  readonly #log: Log;
  readonly #load: () => Promise<Libc>;
  #libc: Libc | undefined;
  #fd = -1;
  /** One message after the other. */
  #last: Promise<void> = Promise.resolve();
  #hasFailed = false;

  /** @param name value of `NOTIFY_SOCKET`: a path, or `@` and the name of an abstract socket */
  constructor(name: string | undefined, log: Log, load: () => Promise<Libc> = loadLibc) {
    this.#address = addressOf(name);
    this.#log = log;
    this.#load = load;
  }

  get isListening(): boolean {
    return this.#address !== undefined;
  }

  /** Resolves when systemd has the message, or cannot be told. Never rejects. */
  async send(message: string): Promise<void> {
    this.#last = this.#last.then(() => this.#send(Buffer.from(message)));
    await this.#last;
  }

  [Symbol.dispose](): void {
    if (this.#fd !== -1) this.#libc?.close(this.#fd);
    this.#fd = -1;
  }

  async #send(message: Buffer): Promise<void> {
    if (this.#address === undefined) return;
    try {
      this.#libc ??= await this.#load();
      for (let tries = 0; ; tries++) {
        const refusal = this.#trySend(this.#libc, this.#address, message);
        if (refusal === undefined) return;
        if (refusal !== "EAGAIN" || tries >= triesAtMost) throw new Error(refusal);
        await delay(waitMs); // systemd reads them all the time: its queue is full for a moment
      }
    } catch (reason) {
      if (this.#hasFailed) return;
      this.#hasFailed = true;
      this.#log.warn({ reason: describe(reason) }, "systemd cannot be told how the forwarder is");
    }
  }

  /** The name of the error, where there is one. */
  #trySend(libc: Libc, address: Buffer, message: Buffer): string | undefined {
    if (this.#fd === -1) {
      this.#fd = libc.socket();
      if (this.#fd === -1) return libc.errno();
      if (libc.connect(this.#fd, address) === -1) return this.#letGo(libc);
    }
    if (libc.send(this.#fd, message) !== -1) return undefined;
    const refusal = libc.errno();
    return refusal === "EAGAIN" ? refusal : this.#letGo(libc, refusal);
  }

  #letGo(libc: Libc, refusal = libc.errno()): string {
    libc.close(this.#fd);
    this.#fd = -1;
    return refusal;
  }
}

/** Abstract names begin with a NUL and have none at their end: the length of the address counts (unix(7)). */
function addressOf(name: string | undefined): Buffer | undefined {
  if (name?.startsWith("/") === true) return unixAddress(name);
  if (name?.startsWith("@") !== true || name.length < 2) return undefined;
  return unixAddress(`\0${name.slice(1)}`)?.subarray(0, -1);
}
