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

/** Above the limit of an address, connections that are younger than the grace are borne with up to this many. */
const maxYoung = 64;

interface Client {
  readonly socket: Socket;
  readonly address: string;
  /** Milliseconds of a monotonic clock. */
  readonly since: number;
  /** What it does: `probe` and `stream` are answers of their own kinds. */
  state: "waiting" | "asked" | "stream" | "probe";
}

/**
 * Keeps the connections of a server below a limit without ever refusing a new one: the oldest that has not sent a request
 * yet is closed, of the address that has the most. So clients that open connections and send nothing, or very slowly, only
 * hinder each other and nobody who asks at once. The limit of each address is for ports that other machines reach: all
 * users of this machine have the same one.
 */
export class Clients {
  readonly #max: number;
  readonly #maxOfAddress: number;
  readonly #now: () => number;
  readonly #clients = new Map<Socket, Client>();
  /** By address, in the order of their coming; without probes, which have connections of their own. */
  readonly #groups = new Map<string, Set<Client>>();
  /** Addresses that are above their limit, looked at again when the grace is over. */
  readonly #trimming = new Set<string>();

  /**
   * @param max          maximum connections at once
   * @param now          milliseconds of a monotonic clock
   * @param maxOfAddress the same for each address, once they are older than a moment
   */
  constructor(max: number, now = () => performance.now(), maxOfAddress = Infinity) {
    this.#max = max;
    this.#now = now;
    this.#maxOfAddress = maxOfAddress;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** @param address whose connection it is; the same for all on a Unix socket */
  add(socket: Socket, address = ""): void {
    if (this.size >= this.#max / 4) this.#makeRoom();
    const client: Client = { socket, address, since: this.#now(), state: "waiting" };
    this.#clients.set(socket, client);
    const group = this.#groups.get(address) ?? new Set();
    this.#groups.set(address, group.add(client));
    socket.once("close", () => this.#forget(client));
    this.#trim(address);
  }

  /** A whole request has arrived. */
  asked(socket: Socket): void {
    this.#become(socket, "asked");
  }

  /** A probe has arrived, which does not count among the connections of its address. */
  probes(socket: Socket): void {
    const client = this.#become(socket, "probe");
    if (client !== undefined) this.#leaveGroup(client);
  }

  /** The answer goes on for as long as the client listens: it does not make room for others. */
  streams(socket: Socket): void {
    this.#become(socket, "stream");
  }

  /** Closes those that have not sent a whole request for this long. */
  closeSilent(forMs: number): void {
    for (const client of this.#clients.values()) {
      if (client.state === "waiting" && this.#now() - client.since >= forMs) this.#evict(client);
    }
  }

  closeAll(): void {
    for (const client of this.#clients.values()) this.#evict(client);
  }

  #become(socket: Socket, state: Client["state"]): Client | undefined {
    const client = this.#clients.get(socket);
    if (client !== undefined) client.state = state;
    return client;
  }

  /** Those that have their answer, or will in a moment, are spared if there is another. */
  #makeRoom(): void {
    const isFull = this.size >= this.#max;
    const waiting = this.#oldestWaiting();
    if (waiting !== undefined) {
      if (isFull || this.#isOld(waiting)) this.#evict(waiting);
      return;
    }
    if (!isFull) return;
    for (const client of this.#clients.values()) {
      if (client.state === "stream") continue;
      this.#evict(client);
      return;
    }
  }

  /** The oldest without a request, of the address that has the most connections. */
  #oldestWaiting(): Client | undefined {
    let found: Client | undefined;
    let most = 0;
    for (const group of this.#groups.values()) {
      if (group.size <= most) continue;
      const waiting = firstOf(group, "waiting");
      if (waiting === undefined) continue;
      found = waiting;
      most = group.size;
    }
    return found;
  }

  /** Brings an address to its limit, but for connections that are not older than a moment. */
  #trim(address: string): void {
    const group = this.#groups.get(address) ?? new Set<Client>();
    while (group.size > this.#maxOfAddress) {
      const waiting = firstOf(group, "waiting");
      if (waiting !== undefined && !this.#isOld(waiting) && group.size <= this.#maxOfAddress + maxYoung) {
        this.#trimLater(address, graceMs - (this.#now() - waiting.since));
        return;
      }
      const victim = waiting ?? firstOf(group, "asked");
      if (victim === undefined) return;
      this.#evict(victim);
    }
  }

  #trimLater(address: string, inMs: number): void {
    if (this.#trimming.has(address)) return;
    this.#trimming.add(address);
    setTimeout(() => {
      this.#trimming.delete(address);
      this.#trim(address);
    }, inMs + 1).unref();
  }

  #isOld({ since }: Client): boolean {
    return this.#now() - since >= graceMs;
  }

  #evict(client: Client): void {
    this.#forget(client);
    client.socket.destroy();
  }

  #forget(client: Client): void {
    this.#clients.delete(client.socket);
    this.#leaveGroup(client);
  }

  #leaveGroup(client: Client): void {
    const group = this.#groups.get(client.address);
    group?.delete(client);
    if (group?.size === 0) this.#groups.delete(client.address);
  }
}

function firstOf(group: ReadonlySet<Client>, state: Client["state"]): Client | undefined {
  for (const client of group) if (client.state === state) return client;
  return undefined;
}
