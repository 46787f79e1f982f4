import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";

/** Above a quarter of the bound, whoever has been silent for this long makes room; a client that asks does so at once. */
const graceMs = 250;
/** A few kilobytes each. */
const mostClients = 1024;
const leastClients = 32;
/** Descriptors that are left to everything else: `sources.socket.max_connections` and files. */
const othersDescriptors = 1500;

/**
 * How many clients there may be at once, from 32 to 1,024: as many as the process's limit of open files leaves beside the
 * way of the alerts, which is not to suffer from those who look on.
 */
export async function affordableClients(): Promise<number> {
  const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const soft = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 0);
  return Math.min(Math.max(soft - othersDescriptors, leastClients), mostClients);
}

/**
 * Keeps the connections of a server below a bound without ever refusing a new one: the oldest that has not asked yet
 * makes room. So clients that open connections and say nothing, or little at a time, hold up each other and nobody who
 * asks at once. A count for each address would not do: on this machine all have the same one.
 */
export class Clients {
  readonly #max: number;
  readonly #now: () => number;
  /** Since when, in the order in which they came; milliseconds of a clock that only goes forward. */
  readonly #waiting = new Map<Socket, number>();
  readonly #answered = new Set<Socket>();

  /** @param max most connections at once */
  constructor(max: number, now = () => performance.now()) {
    this.#max = max;
    this.#now = now;
  }

  get size(): number {
    return this.#waiting.size + this.#answered.size;
  }

  add(socket: Socket): void {
    if (this.size >= this.#max / 4) this.#makeRoom();
    this.#waiting.set(socket, this.#now());
    socket.once("close", () => this.#forget(socket));
  }

  /** A whole request has come. */
  asked(socket: Socket): void {
    if (this.#waiting.delete(socket)) this.#answered.add(socket);
  }

  /** Those who have their answer, or will in a moment, are spared as long as there is another. */
  #makeRoom(): void {
    const isFull = this.size >= this.#max;
    const [waiting] = this.#waiting;
    const [answered] = this.#answered;
    if (waiting !== undefined) {
      const [socket, since] = waiting;
      if (isFull || this.#now() - since >= graceMs) this.#evict(socket);
    } else if (isFull && answered !== undefined) this.#evict(answered);
  }

  #evict(socket: Socket): void {
    this.#forget(socket);
    socket.destroy();
  }

  #forget(socket: Socket): void {
    this.#waiting.delete(socket);
    this.#answered.delete(socket);
  }
}
