import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { listenAt } from "../os/unix-socket.ts";
import { untilNext } from "../clock.ts";
import { describe } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";
import { affordableClients, Clients } from "./clients.ts";
import type { Facts, StatusSnapshot } from "./facts.ts";
import { HealthWatch } from "./health.ts";
import { canonical, refusalOf } from "./host-rules.ts";
import type { Metrics } from "./metrics.ts";

type ListenAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

export interface StatusServiceParts {
  /** The forwarder as it is now, read in one turn. */
  readonly facts: () => Facts;
  /** Updates what takes time to find out; called before `facts` for each answer. */
  readonly refresh: () => Promise<void>;
  readonly metrics: Metrics;
  /** Receives every health check: one every second and one more for each request. */
  readonly looked?: (snapshot: StatusSnapshot) => void;
}

/** Owner and group may connect. */
const socketMode = 0o660;
/** Clients that the system queues until they are accepted; its own limit is net.core.somaxconn. */
const backlog = 4096;
const maxHeaderBytes = 8 * 1024;
/** For the whole request. */
const requestMs = 3000;
const checkEveryMs = 1000;
const lookEveryMs = 1000;

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

type Content = Pick<Answer, "type" | "body">;

const json = "application/json; charset=utf-8";
const plain = "text/plain; charset=utf-8";

/**
 * `/livez`, `/readyz`, `/status` and `/metrics` over HTTP, on a Unix socket or a port of this machine. It is read-only,
 * and nothing that it shows is secret. A connection serves one request, so limiting connections limits what a client costs.
 */
export class StatusService implements AsyncDisposable {
  readonly #parts: StatusServiceParts;
  readonly #health = new HealthWatch(performance.now());
  #looking: NodeJS.Timeout;
  #server: Server | undefined;
  /** Where the server listens. */
  #at: string | undefined;
  /** What `Host` may be on a port. */
  #hosts: readonly string[] = [];
  /** The next answers to `/status` and `/metrics`, shared by all who asked before work on them began. */
  readonly #next = new Map<string, Promise<Answer>>();

  constructor(parts: StatusServiceParts) {
    this.#parts = parts;
    const look = (): void => {
      this.#looking = setTimeout(look, untilNext(lookEveryMs)).unref();
      this.#look();
    };
    this.#looking = setTimeout(look, untilNext(lookEveryMs)).unref();
  }

  /**
   * Listens there, and no longer at the previous address. Never rejects: alerts must be forwarded even if the status is
   * not available, so a failure is only logged.
   * @param hosts `status.hosts`: names and addresses allowed besides the port's own address and `localhost`
   */
  async listen(address: ListenAddress, log: Log, hosts: readonly string[] = []): Promise<void> {
    this.#hosts = hosts.map(canonical);
    const name = address.kind === "unix" ? address.path : `${address.host}:${address.port}`;
    if (this.#at === name) return;
    await this.#close();
    const limits = {
      maxHeaderSize: maxHeaderBytes,
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
    // What follows the first request on the same connection is dropped.
    server.maxRequestsPerSocket = 1;
    server.on("connection", (socket) => clients.add(socket));
    // A client that does not read its answer is disconnected too.
    server.setTimeout(2 * requestMs);
    this.#server = server;
    try {
      if (address.kind === "unix") await listenAt(server, address.path, "status.listen", socketMode, backlog);
      else await listenOn(server, address);
    } catch (reason) {
      await this.#close();
      const remedy = "Alerts are still forwarded. Fix it, or change status.listen, and send SIGHUP";
      log.error({ listen: name, reason: describe(reason) }, `the status is not available. ${remedy}`);
      return;
    }
    this.#at = name;
    server.on("error", (reason) => log.warn({ listen: name, reason: describe(reason) }, "status"));
    log.info({ listen: name }, "the status is available");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#looking);
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
      log.error({ reason: describe(reason) }, "the status cannot be reported: a bug in wazuh-dfn");
      answer = { status: 500, type: plain, body: "a bug in wazuh-dfn; see its log\n" };
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
      return { status: 405, type: plain, body: "only GET and HEAD are allowed: the status is read-only\n" };
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
        return { status: 404, type: plain, body: "not found; there are /livez, /readyz, /status and /metrics\n" };
    }
  }

  /** One answer for everybody who asks before the snapshot is taken, however many they are. */
  #shared(path: string, render: (snapshot: StatusSnapshot) => Content | Promise<Content>): Promise<Answer> {
    const begun = this.#next.get(path);
    if (begun !== undefined) return begun;
    const answer = Promise.resolve()
      .then(() => this.#parts.refresh())
      .finally(() => this.#next.delete(path))
      .then(async () => ({ status: 200, ...(await render(this.#look())) }));
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
