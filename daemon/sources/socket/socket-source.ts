import { readFile, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { formatAnswer, type Status, tailOffMarker } from "../../../integration/protocol.ts";
import { createNew } from "../../disk/open-file.ts";
import { giveSocketToGroup, listenAt } from "../../os/unix-socket.ts";
import { describe, DfnError } from "../../errors.ts";
import { loadNative, type Native, type PeerCredentials } from "../../os/native.ts";
import type { Log } from "../../telemetry/log.ts";
import type { PeerPolicy } from "./peers.ts";
import { SocketConnection, type ConnectionHost, type SocketIntake } from "./connection.ts";

export interface SocketSourceOptions {
  readonly path: string;
  /** Longest line that is taken, in bytes. */
  readonly maxLineBytes: number;
  /** Maximum clients at once; beyond it, the one that has been quiet longest is disconnected. */
  readonly maxConnections: number;
  /** Most bytes of lines that are unfinished or wait to be taken, of all clients together. */
  readonly maxPartialBytes: number;
  /** Permission bits of the socket file. */
  readonly mode: number;
  /** Name or number of the group that may write to the socket; left as it is if the system has no such group. */
  readonly group: string;
  readonly peers: PeerPolicy;
  /** Called for each line that gets an answer. */
  readonly answered?: (status: Status) => void;
  /** Called for each client that comes, with 1, and for each that goes, with -1. */
  readonly clients?: (more: 1 | -1) => void;
  /** Called for each client that was refused. */
  readonly refused: (peer: PeerCredentials) => void;
}

/** Refused clients that get an answer before they are disconnected; further ones are disconnected at once. */
const maxRefusedAtOnce = 32;
/** A refused client has this long to read why. */
const refusedMs = 1000;

/** Descriptors kept free for the log, the archives, Kafka and the state directory. */
const reservedDescriptors = 100;

/**
 * Listens on a Unix stream socket for alerts, one a line. Clients are independent of each other; together they are
 * bounded in number and in bytes.
 */
export class SocketSource implements AsyncDisposable {
  readonly #options: SocketSourceOptions;
  readonly #intake: SocketIntake;
  readonly #log: Log;
  /** Clients in the order in which they were last heard of. */
  readonly #clients = new Set<SocketConnection>();
  readonly #refused = new Set<Socket>();
  readonly #host: ConnectionHost;
  #server: Server | undefined;
  #heldBytes = 0;
  /** Set while there is no room for an alert; one wait for all clients. */
  #awaitsRoom = false;

  constructor(options: SocketSourceOptions, intake: SocketIntake, log: Log) {
    this.#options = options;
    this.#intake = intake;
    this.#log = log;
    this.#host = {
      maxLineBytes: options.maxLineBytes,
      take: (bytes) => {
        if (this.#heldBytes + bytes > options.maxPartialBytes) return false;
        this.#heldBytes += bytes;
        return true;
      },
      release: (bytes) => {
        this.#heldBytes -= bytes;
      },
      heard: (connection) => {
        this.#clients.delete(connection);
        this.#clients.add(connection);
      },
      mayTake: () => this.#mayTake(),
      answered: (status) => options.answered?.(status),
    };
  }

  get connections(): number {
    return this.#clients.size;
  }

  /**
   * Binds the socket. A socket file that a dead process left is replaced.
   * @throws DfnError UNAVAILABLE when a living process listens there, IO when the path cannot be used
   */
  async listen(): Promise<void> {
    const { path } = this.#options;
    try {
      const server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
      this.#server = server;
      await listenAt(server, path, "sources.socket.path", this.#options.mode, this.#options.maxConnections);
      await this.#setGroup(path);
      await this.announceTail(!this.#intake.answersAfterOutcome);
    } catch (reason) {
      await this[Symbol.asyncDispose]();
      if (reason instanceof DfnError) throw reason;
      const remedy = "check that its directory exists and is writable for this user, or set sources.socket.path";
      throw new DfnError("IO", `cannot listen on ${path}: ${describe(reason)}; ${remedy}`, { cause: reason });
    }
    this.#server.on("error", (reason) =>
      this.#log.warn({ code: "socket-error", reason: describe(reason) }, "socket source"),
    );
    this.#log.info({ code: "socket-listening", path }, "listening for alerts");
  }

  /** Shows custom-dfn whether the tail brings what it cannot deliver here. Rejects with the system's error. */
  async announceTail(isOn: boolean): Promise<void> {
    const marker = tailOffMarker(this.#options.path);
    await rm(marker, { force: true });
    if (!isOn) await (await createNew(marker, 0o644)).close();
  }

  /** Accepts no more clients and disconnects the present ones once their answers are written. */
  drain(): void {
    this.#server?.close();
    for (const client of this.#clients) client.drain();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    for (const client of this.#clients) client.destroy();
    for (const socket of this.#refused) socket.destroy();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
  }

  #accept(socket: Socket): void {
    if (!this.#mayEnter(socket)) return;
    const [quietest] = this.#clients;
    if (quietest !== undefined && this.#clients.size >= this.#options.maxConnections) {
      this.#clients.delete(quietest);
      quietest.destroy();
    }
    const connection = new SocketConnection(socket, this.#intake, this.#host);
    this.#clients.add(connection);
    this.#options.clients?.(1);
    socket.on("close", () => {
      this.#clients.delete(connection);
      this.#options.clients?.(-1);
    });
  }

  /** Whether the user at the other end may send alerts; one who may not gets an answer that says so. */
  #mayEnter(socket: Socket): boolean {
    const { peers, refused } = this.#options;
    let peer: PeerCredentials;
    try {
      peer = peers.credentialsOf(socket);
    } catch (reason) {
      this.#log.debug(
        { code: "socket-client-left", reason: describe(reason) },
        "a client left before its user was known",
      );
      socket.destroy();
      return false;
    }
    if (peers.uids.has(peer.uid)) return true;
    refused(peer);
    // What the client does to its connection is its affair.
    socket.on("error", () => undefined);
    if (this.#refused.size >= maxRefusedAtOnce) {
      socket.destroy();
      return false;
    }
    this.#refused.add(socket);
    socket.on("close", () => this.#refused.delete(socket));
    socket.resume();
    socket.end(
      formatAnswer({ status: "rejected", id: undefined, reason: `user ${peer.uid} is not in sources.socket.allow` }),
    );
    // However much it goes on to send.
    setTimeout(() => socket.destroy(), refusedMs).unref();
    return false;
  }

  #mayTake(): boolean {
    if (this.#awaitsRoom) return false;
    const room = this.#intake.room();
    if (room === undefined) return true;
    this.#awaitsRoom = true;
    void room.then(() => {
      this.#awaitsRoom = false;
      for (const client of this.#clients) client.pump();
    });
    return false;
  }

  async #setGroup(path: string): Promise<void> {
    try {
      const gid = await groupId(this.#options.group);
      if (gid === undefined || gid === process.getegid?.()) return;
      await giveSocketToGroup(path, gid);
    } catch (reason) {
      const remedy = `integratord's programs may be unable to reach it; run the forwarder with group ${this.#options.group}`;
      this.#log.warn(
        { code: "socket-group-kept", path, reason: describe(reason) },
        `the socket keeps its group: ${remedy}`,
      );
    }
  }
}

/**
 * How many clients the process's limit of open files allows, at most `wanted`. At least 16 of those wanted are allowed,
 * however low the limit is, because without any the socket is of no use.
 */
export async function affordableConnections(wanted: number): Promise<number> {
  const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? wanted : Math.min(wanted, Math.max(16, Number(soft) - reservedDescriptors));
}

/**
 * The number of a group, which may also be given as a number; undefined if there is none.
 * @throws Error when the name cannot be looked up
 */
export async function groupId(name: string): Promise<number | undefined> {
  if (/^\d+$/.test(name)) return Number(name);
  let native: Native;
  try {
    native = loadNative();
  } catch {
    return localGroupId(name); // Without the native file, groups of a directory service are not found.
  }
  return native.groupId(name);
}

async function localGroupId(name: string): Promise<number | undefined> {
  const groups = await readFile("/etc/group", "utf8").catch(() => "");
  for (const line of groups.split("\n")) {
    const [group, , gid] = line.split(":");
    if (group === name && gid !== undefined) return Number(gid);
  }
  return undefined;
}
