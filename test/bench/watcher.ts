import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

const everyMs = 1000;
/** How often it is tried until a process that has just been started answers. */
const againMs = 20;

/**
 * Looks at a forwarder as a page and a monitoring system do: the page is fetched once, `/events` is listened to, and
 * `/metrics` and `/status` are asked for every second, until the forwarder ends.
 */
export class Watcher {
  readonly #socket: string;
  readonly #isOver: () => boolean;
  #slowestMs: number | undefined;
  #events = 0;

  /**
   * @param socket path of the forwarder's status socket
   * @param isOver whether its process has ended
   */
  constructor(socket: string, isOver: () => boolean) {
    this.#socket = socket;
    this.#isOver = isOver;
  }

  /** The slowest answer to `/status` or `/metrics`, milliseconds; undefined if there was none. */
  get slowestMs(): number | undefined {
    return this.#slowestMs;
  }

  /** Pieces of `/events` that came. */
  get events(): number {
    return this.#events;
  }

  /** Resolves when the forwarder has ended. @throws Error when it answers with anything but 200 */
  async watch(): Promise<void> {
    while (!(await this.#answers("/"))) {
      if (this.#isOver()) return;
      await delay(againMs);
    }
    void this.#listen();
    while (!this.#isOver()) {
      for (const path of ["/metrics", "/status"]) {
        const askedMs = performance.now();
        if (await this.#answers(path)) this.#slowestMs = Math.max(this.#slowestMs ?? 0, performance.now() - askedMs);
      }
      await delay(everyMs);
    }
  }

  /** @returns false if nobody is there */
  async #answers(path: string): Promise<boolean> {
    const response = await this.#ask(path);
    if (response === undefined) return false;
    if (response.statusCode !== 200) throw new Error(`${path}: HTTP ${response.statusCode}`);
    response.resume();
    // It may end in the middle of its answer.
    await once(response, "end").catch(() => undefined);
    return true;
  }

  async #listen(): Promise<void> {
    const response = await this.#ask("/events");
    response?.on("data", () => (this.#events += 1)).on("error", () => undefined);
  }

  #ask(path: string): Promise<IncomingMessage | undefined> {
    return new Promise((resolve) => {
      get({ socketPath: this.#socket, path, agent: false, headers: { host: "localhost" } }, resolve).on("error", () =>
        resolve(undefined),
      );
    });
  }
}
