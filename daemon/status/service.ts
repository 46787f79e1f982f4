import { untilNext } from "../clock.ts";
import type { StatusAddress } from "../config/sections/status.ts";
import { describe } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";
import { accessRefusal, openAccess, stampOf, type StatusAccess } from "./access.ts";
import { EventStreams } from "./event-stream.ts";
import { Tap } from "../delivery/tap.ts";
import { History } from "./history.ts";
import type { Facts, StatusSnapshot } from "./facts.ts";
import { Gate, placeName, type Visit } from "./gate.ts";
import { HealthWatch } from "./health.ts";
import { canonical, refusalOf } from "./host-rules.ts";
import type { Metrics } from "./metrics.ts";
import {
  errorAnswer,
  type Asked,
  type Route,
  type RouteContext,
  type StatusAnswer,
  type StreamRoute,
} from "./route.ts";
import { statusRoutes } from "./routes.ts";

/** Where the service is, and for whom. */
export interface StatusPlace {
  readonly address: StatusAddress;
  readonly access: StatusAccess;
}

export interface StatusServiceParts {
  /** The forwarder as it is now, read in one turn. */
  readonly facts: () => Facts;
  /** Updates what takes time to find out; called before `facts` for each answer. */
  readonly refresh: () => Promise<void>;
  readonly metrics: Metrics;
  /** Absent where nothing flows. */
  readonly tap?: Tap;
  /** What is answered; `statusRoutes` when there is nothing else to say. */
  readonly routes?: readonly Route[];
  /** Receives every health check: one every second and one more for each request. */
  readonly looked?: (snapshot: StatusSnapshot) => void;
}

const lookEveryMs = 1000;

const commonHeaders = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  connection: "close",
} as const;

/**
 * What `routes.ts` lists, over HTTP, on a Unix socket and perhaps a port. It is read-only, and nothing that it shows is
 * secret. A connection serves one request, so limiting connections limits what a client costs.
 */
export class StatusService implements AsyncDisposable {
  readonly #parts: StatusServiceParts;
  readonly #health = new HealthWatch(performance.now());
  #looking: NodeJS.Timeout;
  /** By the name of their place. */
  readonly #gates = new Map<string, Gate>();
  /** Who may ask on a port now; see `stampOf`. */
  #stamp = "";
  /** The next answers, shared by all who asked before work on them began. */
  readonly #next = new Map<string, Promise<StatusAnswer>>();
  readonly #streams = new EventStreams();
  readonly #watchers = new Set<(snapshot: StatusSnapshot) => void>();
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #context: RouteContext;
  readonly #history = new History();

  constructor(parts: StatusServiceParts) {
    this.#parts = parts;
    const { routes = statusRoutes } = parts;
    this.#routes = new Map(routes.map((route) => [route.path, route]));
    this.#context = {
      metrics: parts.metrics,
      facts: parts.facts,
      shared: (key, render) => this.#shared(key, render),
      watch: (listener, until) => this.#watch(listener, until),
      history: this.#history,
      tap: parts.tap ?? new Tap(),
      routes,
    };
    const look = (): void => {
      this.#looking = setTimeout(look, untilNext(lookEveryMs)).unref();
      const snapshot = this.#look();
      this.#history.add(snapshot, performance.now(), Date.now());
      for (const listener of this.#watchers) listener(snapshot);
    };
    this.#looking = setTimeout(look, untilNext(lookEveryMs)).unref();
  }

  /** Listens at one place, and no longer anywhere else. See `serve`. */
  listen(address: StatusAddress, log: Log, access: Partial<StatusAccess> = {}): Promise<void> {
    return this.serve([{ address, access: { ...openAccess, ...access } }], log);
  }

  /**
   * Listens at these places, and no longer anywhere else; where it listens already it goes on, by the rules given now.
   * Streams on ports end when the rules have become others. Never rejects: alerts must be forwarded even if the status is
   * not available, so a failure is only logged.
   */
  async serve(places: readonly StatusPlace[], log: Log): Promise<void> {
    const named = new Map(places.map((place) => [placeName(place.address), place]));
    for (const [name, gate] of this.#gates) {
      if (named.has(name)) continue;
      this.#gates.delete(name);
      await gate.close();
    }
    const stamp = places.map(({ access }) => stampOf(access)).join();
    if (stamp !== this.#stamp) this.#streams.endWhere(({ reader }) => reader !== undefined);
    this.#stamp = stamp;
    for (const [name, place] of named) {
      const gate = this.#gates.get(name);
      if (gate === undefined) await this.#open(place, log);
      else gate.use(place.access);
    }
  }

  async #open({ address, access }: StatusPlace, log: Log): Promise<void> {
    const gate = new Gate(address, access, log, (visit) => void this.#handle(visit, log));
    try {
      await gate.open();
    } catch (reason) {
      await gate.close();
      const remedy = "Alerts are still forwarded. Fix it, or change status.listen, and send SIGHUP";
      log.error({ listen: gate.name, reason: describe(reason) }, `the status is not available. ${remedy}`);
      return;
    }
    this.#gates.set(gate.name, gate);
    log.info({ listen: gate.name }, "the status is available");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#looking);
    const gates = [...this.#gates.values()];
    this.#gates.clear();
    await Promise.all(gates.map((gate) => gate.close()));
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

  async #handle(visit: Visit, log: Log): Promise<void> {
    const { request, response } = visit;
    let answer: StatusAnswer | undefined;
    try {
      answer = await this.#answer(visit);
    } catch (reason) {
      log.error({ reason: describe(reason) }, "the status cannot be reported: a bug in wazuh-dfn");
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
  async #answer(visit: Visit): Promise<StatusAnswer | undefined> {
    const { request } = visit;
    const { method, url = "/" } = request;
    const [path = "/", query] = url.split("?", 2);
    const route = this.#routes.get(path);
    visit.becomes(route?.needs === "probe" ? "probe" : "asked");
    const refused = refusalAnswer(visit, route);
    if (refused !== undefined) return refused;
    if (method !== "GET" && method !== "HEAD") {
      const text = "only GET and HEAD are allowed: the status is read-only";
      return errorAnswer(405, text, {}, { allow: "GET, HEAD" });
    }
    if (route === undefined) return errorAnswer(404, "not found", { paths: [...this.#routes.keys()] });
    const asked: Asked = { path, query: new URLSearchParams(query), headers: request.headers };
    if (route.kind === "answer") return route.answer(asked, this.#context);
    return this.#stream(route, asked, visit);
  }

  async #stream(route: StreamRoute, asked: Asked, visit: Visit): Promise<StatusAnswer | undefined> {
    const { request, response, address } = visit;
    if (!this.#streams.hasRoom(address)) {
      return errorAnswer(429, "too many streams are open", {}, { "retry-after": "5" });
    }
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", ...commonHeaders });
    if (request.method === "HEAD") {
      response.end();
      return undefined;
    }
    visit.becomes("stream");
    response.flushHeaders();
    const stream = this.#streams.open(response, address);
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

/** Why a request gets nothing; undefined if it is answered. */
function refusalAnswer(
  { request, address, access, limits }: Visit,
  route: Route | undefined,
): StatusAnswer | undefined {
  if (address !== undefined) {
    const limit = route?.needs === "probe" ? limits?.probes : limits?.requests;
    const waitSeconds = limit?.take(address) ?? 0;
    if (waitSeconds > 0) {
      return errorAnswer(429, "too many requests; see status.rate", {}, { "retry-after": String(waitSeconds) });
    }
  }
  const hosts = address === undefined ? undefined : access.hosts.map(canonical);
  const refused =
    refusalOf(request, hosts, route?.needs === "nothing") ??
    (address === undefined || route === undefined ? undefined : accessRefusal(access, request, route.needs));
  if (refused === undefined) return undefined;
  const headers = refused.status === 401 ? { "www-authenticate": "Bearer" } : {};
  return errorAnswer(refused.status, refused.text, {}, headers);
}
