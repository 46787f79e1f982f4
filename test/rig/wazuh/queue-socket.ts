import { mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatagramReceiver } from "../datagram-receiver.ts";

/** The kernel queues only some ten datagrams, so that whoever sends many meets a full queue now and then. */
const pollMs = 5;

/**
 * analysisd's side of `queue/sockets/queue`: accepts the events that the forwarder sends back to Wazuh, all the time.
 */
export class QueueSocket implements Disposable {
  /** The datagrams in the order of arrival. */
  readonly received: Buffer[] = [];
  readonly #receiver: DatagramReceiver;
  readonly #poller: NodeJS.Timeout;

  /** Binds the path; an existing socket file is replaced, as analysisd does. */
  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { force: true });
    this.#receiver = new DatagramReceiver(path);
    this.#poller = setInterval(() => this.received.push(...this.#receiver.take()), pollMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#poller);
    this.#receiver[Symbol.dispose]();
  }
}
