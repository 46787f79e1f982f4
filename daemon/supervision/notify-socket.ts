import { closeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { describe } from "../errors.ts";
import { loadNative, type Native } from "../os/native.ts";
import type { Log } from "../telemetry/log.ts";

const maxTries = 50;
const waitMs = 20;

/**
 * The datagram socket on which systemd listens to a service (sd_notify(3)). Where nobody listens, because the process was
 * started by hand, nothing is sent.
 */
export class NotifySocket {
  /** As `connectDatagram` takes it. */
  readonly #path: string | undefined;
  readonly #log: Log;
  #fd: number | undefined;
  /** One message after the other. */
  #last: Promise<void> = Promise.resolve();
  #hasFailed = false;

  /** @param name value of `NOTIFY_SOCKET`: a path, or `@` and the name of an abstract socket */
  constructor(name: string | undefined, log: Log) {
    this.#path = pathOf(name);
    this.#log = log;
  }

  get isListening(): boolean {
    return this.#path !== undefined;
  }

  /** Resolves when systemd has the message, or cannot get it. Never rejects. */
  async send(message: string): Promise<void> {
    this.#last = this.#last.then(() => this.#send(Buffer.from(message)));
    await this.#last;
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  async #send(message: Buffer): Promise<void> {
    if (this.#path === undefined) return;
    try {
      const native = loadNative();
      for (let tries = 0; ; tries++) {
        const refusal = this.#trySend(native, this.#path, message);
        if (refusal === undefined) return;
        if (refusal !== "EAGAIN" || tries >= maxTries) throw new Error(refusal);
        await delay(waitMs); // systemd reads them all the time: its queue is full for a moment
      }
    } catch (reason) {
      if (this.#hasFailed) return;
      this.#hasFailed = true;
      this.#log.warn(
        { code: "systemd-not-informed", reason: describe(reason) },
        "the forwarder's state cannot be reported to systemd",
      );
    }
  }

  /** The name of the error, if there is one. @throws Error if no connection can be made */
  #trySend(native: Native, path: string, message: Buffer): string | undefined {
    this.#fd ??= native.connectDatagram(path);
    const refusal = native.sendDatagram(this.#fd, message);
    if (refusal !== undefined && refusal !== "EAGAIN") this[Symbol.dispose]();
    return refusal;
  }
}

/** Abstract names begin with a NUL (unix(7)), which the environment cannot hold. */
function pathOf(name: string | undefined): string | undefined {
  if (name?.startsWith("/") === true) return name;
  if (name?.startsWith("@") !== true || name.length < 2) return undefined;
  return `\0${name.slice(1)}`;
}
