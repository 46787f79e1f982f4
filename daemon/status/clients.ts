import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";

/** Above a quarter of the limit, connections that were silent for this long are closed; real clients ask at once. */
const graceMs = 250;
/** A few kilobytes each. */
const maxClients = 1024;
const minClients = 32;
/** Descriptors that are reserved for everything else: `sources.socket.max_connections` and files. */
const othersDescriptors = 1500;

/**
 * How many clients may be connected at once, from 32 to 1,024: what the process's limit of open files leaves after what
 * the alerts need, which must not suffer from status clients.
 */
export async function affordableClients(): Promise<number> {
  const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const soft = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 0);
  return Math.min(Math.max(soft - othersDescriptors, minClients), maxClients);
}

/**
 * Keeps the connections of a server below a limit without ever refusing a new one: the oldest that has not sent a request
 * yet is closed. So clients that open connections and send nothing, or very slowly, only hinder each other and nobody who
 * asks at once. A limit for each address would not work: on this machine all have the same one.
 */
export class Clients {
  readonly #max: number;
  readonly #now: () => number;
  /** When each connected, in that order; milliseconds of a monotonic clock. */
  readonly #waiting = new Map<Socket, number>();
  readonly #answered = new Set<Socket>();
  readonly #streaming = new Set<Socket>();

  /** @param max maximum connections at once */
  constructor(max: number, now = () => performance.now()) {
    this.#max = max;
    this.#now = now;
  }

  get size(): number {
    return this.#waiting.size + this.#answered.size + this.#streaming.size;
  }

  add(socket: Socket): void {
    if (this.size >= this.#max / 4) this.#makeRoom();
    this.#waiting.set(socket, this.#now());
    socket.once("close", () => this.#forget(socket));
  }

  /** A whole request has arrived. */
  asked(socket: Socket): void {
    if (this.#waiting.delete(socket)) this.#answered.add(socket);
  }

  /** Those that have their answer, or will in a moment, are spared if there is another. */
  #makeRoom(): void {
    const isFull = this.size >= this.#max;
    const [waiting] = this.#waiting;
    const [answered] = this.#answered;
    if (waiting !== undefined) {
      const [socket, since] = waiting;
      if (isFull || this.#now() - since >= graceMs) this.#evict(socket);
    } else if (isFull && answered !== undefined) this.#evict(answered);
  }

  /** The answer goes on for as long as the client listens: it does not make room for others. */
  streams(socket: Socket): void {
    this.#answered.delete(socket);
    this.#streaming.add(socket);
  }

  #evict(socket: Socket): void {
    this.#forget(socket);
    socket.destroy();
  }

  #forget(socket: Socket): void {
    this.#waiting.delete(socket);
    this.#answered.delete(socket);
    this.#streaming.delete(socket);
  }
}
