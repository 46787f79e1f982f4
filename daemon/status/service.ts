import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { listenAt } from "../os/unix-socket.ts";
import { untilNext } from "../clock.ts";
import { describe } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";
import { affordableClients, Clients } from "./clients.ts";
import type { Facts, StatusSnapshot } from "./facts.ts";
import { EventStreams } from "./event-stream.ts";
import { Tap } from "../delivery/tap.ts";
import { History } from "./history.ts";
import { HealthWatch } from "./health.ts";
import { canonical, refusalOf } from "./host-rules.ts";
import type { Metrics } from "./metrics.ts";
import {
  errorAnswer,
  type StatusAnswer,
  type Asked,
  type Route,
  type RouteContext,
  type StreamRoute,
} from "./route.ts";
import { statusRoutes } from "./routes.ts";

type ListenAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

export interface StatusServiceParts {
  /** The forwarder as it is now, read in one turn. */
  readonly facts: () => Facts;
  /** Updates what takes time to find out; called before `facts` for each answer. */
  readonly refresh: () => Promise<void>;
  readonly metrics: Metrics;
  /** Absent where nothing flows. */
  readonly tap?: Tap;
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

const commonHeaders = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  connection: "close",
} as const;

/** Where a request came in. */
interface Place {
  readonly isTcp: boolean;
  readonly clients: Clients;
  readonly log: Log;
}

/**
 * What `routes.ts` lists, over HTTP, on a Unix socket or a port of this machine. It is read-only, and nothing that it
 * shows is secret. A connection serves one request, so limiting connections limits what a client costs.
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
  /** The next answers, shared by all who asked before work on them began. */
  readonly #next = new Map<string, Promise<StatusAnswer>>();
  readonly #streams = new EventStreams();
  readonly #watchers = new Set<(snapshot: StatusSnapshot) => void>();
  readonly #routes: ReadonlyMap<string, Route> = new Map(statusRoutes.map((route) => [route.path, route]));
  readonly #context: RouteContext;
  readonly #history = new History();

  constructor(parts: StatusServiceParts) {
    this.#parts = parts;
    this.#context = {
      metrics: parts.metrics,
      facts: parts.facts,
      shared: (key, render) => this.#shared(key, render),
      watch: (listener, until) => this.#watch(listener, until),
      history: this.#history,
      tap: parts.tap ?? new Tap(),
      routes: statusRoutes,
    };
    const look = (): void => {
      this.#looking = setTimeout(look, untilNext(lookEveryMs)).unref();
      const snapshot = this.#look();
      this.#history.add(snapshot, performance.now(), Date.now());
      for (const listener of this.#watchers) listener(snapshot);
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
      void this.#handle(request, response, { isTcp, clients, log });
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
      log.error(
        { code: "status-unavailable", listen: name, reason: describe(reason) },
        `the status is not available. ${remedy}`,
      );
      return;
    }
    this.#at = name;
    server.on("error", (reason) =>
      log.warn({ code: "status-error", listen: name, reason: describe(reason) }, "status"),
    );
    log.info({ code: "status-available", listen: name }, "the status is available");
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

  #watch(listener: (snapshot: StatusSnapshot) => void, until: AbortSignal): void {
    if (until.aborted) return;
    this.#watchers.add(listener);
    until.addEventListener("abort", () => this.#watchers.delete(listener), { once: true });
  }

  async #handle(request: IncomingMessage, response: ServerResponse, place: Place): Promise<void> {
    const { isTcp, log } = place;
    let answer: StatusAnswer | undefined;
    try {
      const refused = refusalOf(request, isTcp ? this.#hosts : undefined);
      if (refused === undefined) answer = await this.#answer(request, response, place);
      else answer = errorAnswer(refused.status, refused.text);
    } catch (reason) {
      log.error({ code: "status-bug", reason: describe(reason) }, "the status cannot be reported: a bug in wazuh-dfn");
      answer = errorAnswer(500, "a bug in wazuh-dfn; see its log");
    }
    if (answer === undefined) return; // A stream.
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const { status, type, body, headers } = answer;
    response.writeHead(status, {
      "content-type": type,
      "content-length": Buffer.byteLength(body),
      ...commonHeaders,
      ...headers,
    });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  /** @returns undefined if the response is a stream, which goes on */
  async #answer(request: IncomingMessage, response: ServerResponse, place: Place): Promise<StatusAnswer | undefined> {
    const { method, url = "/" } = request;
    if (method !== "GET" && method !== "HEAD") {
      const text = "only GET and HEAD are allowed: the status is read-only";
      return errorAnswer(405, text, {}, { allow: "GET, HEAD" });
    }
    const [path = "/", query] = url.split("?", 2);
    const route = this.#routes.get(path);
    if (route === undefined) return errorAnswer(404, "not found", { paths: [...this.#routes.keys()] });
    if (place.isTcp && route.needs === "tap-token") {
      return errorAnswer(403, "contents of alerts are on the Unix socket alone");
    }
    const asked: Asked = { path, query: new URLSearchParams(query), headers: request.headers };
    if (route.kind === "answer") return route.answer(asked, this.#context);
    return this.#stream(route, asked, request, response, place);
  }

  async #stream(
    route: StreamRoute,
    asked: Asked,
    { method, socket }: IncomingMessage,
    response: ServerResponse,
    { isTcp, clients }: Place,
  ): Promise<StatusAnswer | undefined> {
    const reader = isTcp ? canonical(socket.remoteAddress ?? "") : undefined;
    if (!this.#streams.hasRoom(reader)) {
      return errorAnswer(429, "too many streams are open", {}, { "retry-after": "5" });
    }
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", ...commonHeaders });
    if (method === "HEAD") {
      response.end();
      return undefined;
    }
    clients.streams(socket);
    response.flushHeaders();
    const stream = this.#streams.open(response, reader);
    await route.open(stream, asked, this.#context);
    return undefined;
  }

  /** One answer for everybody who asks before the snapshot is taken, however many they are. */
  #shared(
    key: string,
    render: (snapshot: StatusSnapshot) => StatusAnswer | Promise<StatusAnswer>,
  ): Promise<StatusAnswer> {
    const begun = this.#next.get(key);
    if (begun !== undefined) return begun;
    const answer = Promise.resolve()
      .then(() => this.#parts.refresh())
      .finally(() => this.#next.delete(key))
      .then(() => render(this.#look()));
    this.#next.set(key, answer);
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
