import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { listenAt } from "../os/unix-socket.ts";
import { describe } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";
import { affordableClients, Clients } from "./clients.ts";
import type { Facts, StatusSnapshot } from "./facts.ts";
import { HealthWatch } from "./health.ts";
import { canonical, refusalOf } from "./host-rules.ts";
import type { Metrics } from "./metrics.ts";

export type ListenAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

export interface StatusServiceParts {
  /** The forwarder as it is now, read in one turn. */
  readonly facts: () => Facts;
  /** Brings up to date what takes time to find out; called before `facts` for each answer. */
  readonly refresh: () => Promise<void>;
  readonly metrics: Metrics;
  /** Told of every look at it, one every half second and one more for each that asks. */
  readonly looked?: (snapshot: StatusSnapshot) => void;
}

/** Owner and group may ask. */
const socketMode = 0o660;
/** Clients that the system holds for us until they are accepted; its own bound is net.core.somaxconn. */
const backlog = 4096;
const mostHeaderBytes = 8 * 1024;
/** For the whole request. */
const requestMs = 3000;
const checkEveryMs = 1000;
const lookEveryMs = 500;

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

type Told = Pick<Answer, "type" | "body">;

const json = "application/json; charset=utf-8";
const plain = "text/plain; charset=utf-8";

/**
 * The window to look through: `/livez`, `/readyz`, `/status` and `/metrics` by HTTP, on a Unix socket or a port of this
 * machine. It only tells; nothing can be changed by it, and nothing that it tells is secret. A connection is good for one
 * request, so what one client may ask for costs no more than a connection.
 */
export class StatusService implements AsyncDisposable {
  readonly #parts: StatusServiceParts;
  readonly #health = new HealthWatch(performance.now());
  readonly #looking: NodeJS.Timeout;
  #server: Server | undefined;
  /** Where the server listens. */
  #at: string | undefined;
  /** What `Host` may be on a port. */
  #hosts: readonly string[] = [];
  /** The next answers to `/status` and `/metrics`, which all share who asked before they were begun. */
  readonly #next = new Map<string, Promise<Answer>>();

  constructor(parts: StatusServiceParts) {
    this.#parts = parts;
    this.#looking = setInterval(() => this.#look(), lookEveryMs).unref();
  }

  /**
   * Listens there, and no longer where it did before. Never rejects: that nobody can ask is no reason not to forward
   * alerts, so it is only said in the log.
   * @param hosts `status.hosts`: names and addresses that count beside the port's own address and `localhost`
   */
  async listen(address: ListenAddress, log: Log, hosts: readonly string[] = []): Promise<void> {
    this.#hosts = hosts.map(canonical);
    const name = address.kind === "unix" ? address.path : `${address.host}:${address.port}`;
    if (this.#at === name) return;
    await this.#close();
    const limits = {
      maxHeaderSize: mostHeaderBytes,
      headersTimeout: requestMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: checkEveryMs,
    };
    const clients = new Clients(await affordableClients());
    const isTcp = address.kind === "tcp";
    const server = createServer(limits, (request, response) => {
      clients.asked(request.socket);
      void this.#handle(request, response, isTcp, log);
    });
    // What comes behind the first request on the same connection is dropped.
    server.maxRequestsPerSocket = 1;
    server.on("connection", (socket) => clients.add(socket));
    // Also a client that does not read its answer is let go.
    server.setTimeout(2 * requestMs);
    this.#server = server;
    try {
      if (address.kind === "unix") await listenAt(server, address.path, "status.listen", socketMode, backlog);
      else await listenOn(server, address);
    } catch (reason) {
      await this.#close();
      const remedy = "Alerts are forwarded all the same. Mend it, or set status.listen, and send SIGHUP";
      log.error({ listen: name, reason: describe(reason) }, `the status cannot be offered. ${remedy}`);
      return;
    }
    this.#at = name;
    server.on("error", (reason) => log.warn({ listen: name, reason: describe(reason) }, "status"));
    log.info({ listen: name }, "the status can be asked for");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#looking);
    await this.#close();
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = this.#at = undefined;
    if (server === undefined) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  #look(): StatusSnapshot {
    const facts = this.#parts.facts();
    const snapshot = { ...facts, health: this.#health.look(facts, performance.now(), Date.now()) };
    this.#parts.looked?.(snapshot);
    return snapshot;
  }

  async #handle(request: IncomingMessage, response: ServerResponse, isTcp: boolean, log: Log): Promise<void> {
    let answer: Answer;
    try {
      const refused = refusalOf(request, isTcp ? this.#hosts : undefined);
      if (refused === undefined) answer = await this.#answer(request);
      else answer = { status: refused.status, type: plain, body: `${refused.text}\n` };
    } catch (reason) {
      log.error({ reason: describe(reason) }, "the status cannot be told, a fault in wazuh-dfn itself");
      answer = { status: 500, type: plain, body: "a fault in wazuh-dfn itself; its log says more\n" };
    }
    const { status, type, body } = answer;
    response.writeHead(status, {
      "content-type": type,
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      connection: "close",
      ...(status === 405 ? { allow: "GET, HEAD" } : {}),
    });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  async #answer({ method, url = "/" }: IncomingMessage): Promise<Answer> {
    if (method !== "GET" && method !== "HEAD") {
      return { status: 405, type: plain, body: "only GET and HEAD: nothing can be changed here\n" };
    }
    switch (url.replace(/\?.*$/s, "")) {
      case "/livez":
        return { status: 200, type: plain, body: "alive\n" };
      case "/readyz":
        return this.#parts.facts().isReady
          ? { status: 200, type: plain, body: "ready\n" }
          : { status: 503, type: plain, body: "not ready\n" };
      case "/status":
        return this.#shared("/status", (snapshot) => ({ type: json, body: `${JSON.stringify(snapshot)}\n` }));
      case "/metrics":
        return this.#shared("/metrics", async (snapshot) => {
          const { metrics } = this.#parts;
          return { type: metrics.contentType, body: await metrics.text(snapshot) };
        });
      default:
        return { status: 404, type: plain, body: "there are /livez, /readyz, /status and /metrics\n" };
    }
  }

  /** One answer for all who ask before the look that it tells of, however many they are. */
  #shared(path: string, tell: (snapshot: StatusSnapshot) => Told | Promise<Told>): Promise<Answer> {
    const begun = this.#next.get(path);
    if (begun !== undefined) return begun;
    const answer = Promise.resolve()
      .then(() => this.#parts.refresh())
      .finally(() => this.#next.delete(path))
      .then(async () => ({ status: 200, ...(await tell(this.#look())) }));
    this.#next.set(path, answer);
    return answer;
  }
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
