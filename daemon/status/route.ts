import type { IncomingHttpHeaders } from "node:http";
import type { EventStream } from "./event-stream.ts";
import type { Facts, StatusSnapshot } from "./facts.ts";
import type { Tap } from "../delivery/tap.ts";
import type { History } from "./history.ts";
import type { Metrics } from "./metrics.ts";

/** What the service answers, but for the headers that every answer has. */
export interface StatusAnswer {
  readonly status: number;
  /** Media type. */
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that may be answered: everything about who asks has been judged. */
export interface Asked {
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

/** What routes make their answers from. */
export interface RouteContext {
  readonly metrics: Metrics;
  /** The forwarder as it is now, read in one turn. */
  readonly facts: () => Facts;
  /**
   * One answer for everybody who asks before the snapshot is taken, however many they are.
   * @param key what is answered: those with the same key share it
   */
  readonly shared: (
    key: string,
    render: (snapshot: StatusSnapshot) => StatusAnswer | Promise<StatusAnswer>,
  ) => Promise<StatusAnswer>;
  /**
   * Calls back with each health check, one every second, until the signal.
   * @returns nothing; an error that `listener` throws ends the process
   */
  readonly watch: (listener: (snapshot: StatusSnapshot) => void, until: AbortSignal) => void;
  readonly tap: Tap;
  /** The last hour. */
  readonly history: History;
  /** All routes there are. */
  readonly routes: readonly Route[];
}

/**
 * What a request must bring to a port, besides an address in `status.allow` and a `Host` that is ours. On the Unix socket
 * the rights of its file decide, and nothing of this is asked for.
 * - `nothing`: anybody, even from a page of another site: it holds no data
 * - `probe`: no token; has connections and a rate of its own
 * - `token`: the token of `status.token_file`, a certificate of `status.tls.client_ca`, or both
 * - `tap-token`: contents of alerts: the token of `status.tap_token_file`
 */
export type RouteNeeds = "nothing" | "probe" | "token" | "tap-token";

/** A response as /openapi.json describes it. */
export interface DescribedResponse {
  readonly description: string;
  /** Media type, and JSON Schema where there is one. */
  readonly type: string;
  readonly schema?: object;
}

interface DescribedRoute {
  readonly path: string;
  readonly needs: RouteNeeds;
  /** One sentence, for /openapi.json and the documentation. */
  readonly summary: string;
  /** By HTTP status. Those that every route has are added. */
  readonly responses: Readonly<Record<number, DescribedResponse>>;
}

/** Answers at once. */
export interface AnswerRoute extends DescribedRoute {
  readonly kind: "answer";
  readonly answer: (asked: Asked, context: RouteContext) => StatusAnswer | Promise<StatusAnswer>;
}

/** Answers with server-sent events until one of the two sides ends it. */
export interface StreamRoute extends DescribedRoute {
  readonly kind: "stream";
  readonly open: (stream: EventStream, asked: Asked, context: RouteContext) => void | Promise<void>;
}

export type Route = AnswerRoute | StreamRoute;

export const jsonType = "application/json; charset=utf-8";
export const plainType = "text/plain; charset=utf-8";

/** A JSON body that ends with a newline. @param value undefined members are left out */
export function jsonAnswer(status: number, value: unknown, headers: StatusAnswer["headers"] = {}): StatusAnswer {
  return { status, type: jsonType, body: `${JSON.stringify(value)}\n`, headers };
}

export function plainAnswer(status: number, text: string): StatusAnswer {
  return { status, type: plainType, body: `${text}\n` };
}

/** Why there is no other answer, as JSON. @param more further members of the body */
export function errorAnswer(
  status: number,
  error: string,
  more: object = {},
  headers: StatusAnswer["headers"] = {},
): StatusAnswer {
  return jsonAnswer(status, { error, ...more }, headers);
}
