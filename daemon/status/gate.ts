import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from "node:tls";
import type { StatusAddress } from "../config/sections/status.ts";
import type { Rate } from "../config/values/rate.ts";
import { describe } from "../errors.ts";
import { listenAt } from "../os/unix-socket.ts";
import type { Log } from "../telemetry/log.ts";
import { clientAddress, isAllowed, type StatusAccess } from "./access.ts";
import { affordableClients, Clients } from "./clients.ts";
import { RateLimit } from "./rate-limit.ts";

/** Owner and group may connect. */
const socketMode = 0o660;
/** Clients that the system queues until they are accepted; its own limit is net.core.somaxconn. */
const backlog = 4096;
const maxHeaderBytes = 8 * 1024;
/** For the whole request, after the handshake of TLS where there is one. */
const requestMs = 3000;
const handshakeMs = 5000;
const checkEveryMs = 500;
/** The shortest ClientHello there can be (RFC 5246, sections 6.2.1 and 7.4.1.2): what is longer may have cost a signature. */
const clientHelloBytes = 50;
/** For addresses that may not connect: how many get to know it at once, and for how long. */
const maxOutsiders = 64;
const outsiderMs = 1000;
const outsiderBody = `${JSON.stringify({ error: "connections from this address are refused; see status.allow" })}\n`;
const outsiderAnswer = `HTTP/1.1 403 Forbidden\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${outsiderBody.length}\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n${outsiderBody}`;

/** How often an address may do what; one that may do anything at any time has none. */
interface RateLimits {
  readonly rate: Rate;
  readonly requests: RateLimit;
  /** Probes do not suffer from what else the address does. */
  readonly probes: RateLimit;
  /** Handshakes of TLS, which cost the most: room for all requests, and for being told that they are too many. */
  readonly handshakes: RateLimit;
}

/** A request, and where it came in. */
export interface Visit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** As `clientAddress`; undefined on the Unix socket. */
  readonly address: string | undefined;
  readonly access: StatusAccess;
  /** Undefined where there are none. */
  readonly limits: RateLimits | undefined;
  /** What its connection is used for. */
  readonly becomes: (kind: "asked" | "probe" | "stream") => void;
}

/** Identifies a place in the log, and among others. */
export function placeName(address: StatusAddress): string {
  if (address.kind === "unix") return address.path;
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}

/**
 * One place where the service listens. Who connects is judged before anything is read: an address that may not connect
 * never gets to TLS, and none has more than its share of connections.
 */
export class Gate {
  readonly name: string;
  readonly #address: StatusAddress;
  readonly #log: Log;
  readonly #server: Server;
  readonly #http: HttpServer;
  readonly #visited: (visit: Visit) => void;
  /** Connections with TLS, by their other end: that is all that a TLS socket shows of what it is on. */
  readonly #below = new Map<string, { readonly socket: Socket; isSecure: boolean }>();
  readonly #outsiders = new Set<Socket>();
  #clients: Clients | undefined;
  #access: StatusAccess;
  #tls: TlsServer | undefined;
  #limits: RateLimits | undefined;
  #checking: NodeJS.Timeout | undefined;

  /** @param visited called with each request */
  constructor(address: StatusAddress, access: StatusAccess, log: Log, visited: (visit: Visit) => void) {
    this.name = placeName(address);
    this.#address = address;
    this.#log = log;
    this.#visited = visited;
    this.#access = access;
    this.#http = createHttpServer({ maxHeaderSize: maxHeaderBytes }, (request, response) =>
      this.#visit(request, response),
    );
    // What follows the first request on the same connection is dropped.
    this.#http.maxRequestsPerSocket = 1;
    // A client that does not read its answer is disconnected too.
    this.#http.setTimeout(2 * requestMs);
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
    this.#use(access);
  }

  /** @throws the system's error, or DfnError, see `listenAt` */
  async open(): Promise<void> {
    this.#clients = new Clients(await affordableClients(), undefined, this.#access.maxConnections);
    const address = this.#address;
    if (address.kind === "unix") await listenAt(this.#server, address.path, "status.listen", socketMode, backlog);
    else await listenOn(this.#server, address);
    this.#server.on("error", (reason) => this.#log.warn({ listen: this.name, reason: describe(reason) }, "status"));
    const silentMs = requestMs + (this.#tls === undefined ? 0 : handshakeMs);
    this.#checking = setInterval(() => this.#clients?.closeSilent(silentMs), checkEveryMs).unref();
  }

  /** Judges by other rules from now on; connections that are open stay. */
  use(access: StatusAccess): void {
    this.#access = access;
    this.#use(access);
  }

  /** Closes it with all connections. Safe in every state, and twice. */
  async close(): Promise<void> {
    clearInterval(this.#checking);
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#clients?.closeAll();
      for (const socket of this.#outsiders) socket.destroy();
    });
  }

  #use({ tls, rate }: StatusAccess): void {
    this.#tls = tls === undefined ? undefined : this.#tlsServer(tls.options);
    if (rate?.count === this.#limits?.rate.count && rate?.perMs === this.#limits?.rate.perMs) return;
    this.#limits =
      rate === undefined
        ? undefined
        : {
            rate,
            requests: new RateLimit(rate),
            probes: new RateLimit(rate),
            handshakes: new RateLimit({ ...rate, count: 3 * rate.count }),
          };
  }

  /** It listens nowhere: connections come from `#accept`. */
  #tlsServer(options: NonNullable<StatusAccess["tls"]>["options"]): TlsServer {
    const server = createTlsServer(options);
    server.on("secureConnection", (socket) => {
      const below = this.#below.get(endOf(socket));
      if (below !== undefined) below.isSecure = true;
      this.#limits?.handshakes.take(clientAddress(socket.remoteAddress) ?? "");
      this.#http.emit("connection", socket);
    });
    server.on("tlsClientError", (_reason, socket) => {
      // What went wrong is the client's business.
      socket.destroy();
    });
    return server;
  }

  #accept(socket: Socket): void {
    // Of a connection that breaks nothing is to be said; "close" follows.
    socket.on("error", () => undefined);
    const address = this.#address.kind === "unix" ? "" : clientAddress(socket.remoteAddress);
    if (address === undefined || this.#clients === undefined) {
      socket.destroy(); // It has gone already.
      return;
    }
    if (this.#address.kind === "tcp" && !isAllowed(this.#access, address)) {
      this.#turnAway(socket);
      return;
    }
    if (this.#tls === undefined) {
      this.#clients.add(socket, address);
      this.#http.emit("connection", socket);
      return;
    }
    const { handshakes } = this.#limits ?? {};
    if (handshakes !== undefined && handshakes.wait(address) > 0) {
      socket.destroy();
      return;
    }
    const end = endOf(socket);
    const below = { socket, isSecure: false };
    this.#below.set(end, below);
    socket.once("close", () => {
      if (this.#below.get(end) === below) this.#below.delete(end);
      if (!below.isSecure && socket.bytesRead >= clientHelloBytes) handshakes?.take(address);
    });
    this.#clients.add(socket, address);
    this.#tls.emit("connection", socket);
  }

  /** Says so, without TLS and without reading a request, to as many as cost nothing. */
  #turnAway(socket: Socket): void {
    if (this.#outsiders.size >= maxOutsiders) {
      socket.destroy();
      return;
    }
    this.#outsiders.add(socket);
    socket.once("close", () => this.#outsiders.delete(socket));
    socket.setTimeout(outsiderMs, () => socket.destroy());
    setTimeout(() => socket.destroy(), outsiderMs).unref();
    // What is left unread would make the system end the connection before the answer is read.
    socket.resume();
    socket.once("end", () => socket.destroy());
    socket.end(outsiderAnswer);
  }

  #visit(request: IncomingMessage, response: ServerResponse): void {
    const socket = this.#below.get(endOf(request.socket))?.socket ?? request.socket;
    const clients = this.#clients;
    this.#visited({
      request,
      response,
      address: this.#address.kind === "unix" ? undefined : clientAddress(socket.remoteAddress),
      access: this.#access,
      limits: this.#limits,
      becomes: (kind) => {
        if (kind === "probe") clients?.probes(socket);
        else if (kind === "stream") clients?.streams(socket);
        else clients?.asked(socket);
      },
    });
  }
}

/** The other end of a connection. */
function endOf({ remoteAddress = "", remotePort = 0 }: Socket | TLSSocket): string {
  return `${remoteAddress} ${remotePort}`;
}

function listenOn(server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
