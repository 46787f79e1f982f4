import type { DescribedResponse, Route, RouteNeeds } from "./route.ts";

const errorBody = {
  type: "application/json",
  schema: { type: "object", properties: { error: { type: "string" } }, required: ["error"] },
} as const;

function failure(description: string): DescribedResponse {
  return { description, ...errorBody };
}

/** What any request may get in place of an answer. */
const always: Readonly<Record<number, DescribedResponse>> = {
  400: failure("There is not exactly one Host header."),
  403: failure("The page of another site asks, or a token of another kind is needed."),
  405: failure("Only GET and HEAD are allowed."),
  421: failure("The Host header names another host; see status.hosts."),
  429: failure("Too many requests or streams; Retry-After says in how many seconds to ask again."),
};

const withToken: Readonly<Record<number, DescribedResponse>> = {
  401: failure("The token or the client certificate is missing or wrong."),
};

const schemes: Readonly<Record<RouteNeeds, readonly object[]>> = {
  nothing: [],
  probe: [],
  token: [{ token: [] }, { certificate: [] }],
  "tap-token": [{ tapToken: [] }],
};

/** The description of all routes in OpenAPI 3.1. @param version of wazuh-dfn */
export function openApi(routes: readonly Route[], version: string): object {
  return {
    openapi: "3.1.0",
    info: {
      title: "Status service of wazuh-dfn",
      version,
      description:
        "Read-only. A connection carries one request. On the Unix socket the rights of its file decide who may ask; tokens and certificates are for ports only.",
    },
    components: {
      securitySchemes: {
        token: bearer("The token in status.token_file."),
        tapToken: bearer("The token in status.tap_token_file; it gives access to the contents of alerts."),
        certificate: { type: "mutualTLS", description: "A certificate of status.tls.client_ca." },
      },
    },
    paths: Object.fromEntries(routes.map((route) => [route.path, { get: operation(route) }])),
  };
}

function bearer(description: string): object {
  return { type: "http", scheme: "bearer", description };
}

function operation({ path, needs, summary, responses }: Route): object {
  const all = { ...responses, ...always, ...(schemes[needs].length === 0 ? {} : withToken) };
  return {
    operationId:
      path === "/" ? "page" : path.slice(1).replaceAll(/[^a-z]+(.)/g, (_, next: string) => next.toUpperCase()),
    summary,
    security: schemes[needs],
    responses: Object.fromEntries(
      Object.entries(all).map(([status, { description, type, schema }]) => [
        status,
        { description, content: { [type.replace(/;.*/, "")]: schema === undefined ? {} : { schema } } },
      ]),
    ),
  };
}
