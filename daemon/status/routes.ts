/** All that the status service answers: a new path is one more entry of this list. */
import { eventFrame } from "./event-stream.ts";
import { openApi } from "./openapi.ts";
import { pythonRoutes } from "./python-routes.ts";
import { pageAnswer } from "./page-answer.ts";
import { jsonAnswer, type Route, plainAnswer } from "./route.ts";
import { tapRoute } from "./tap-route.ts";
import { snapshotSchema } from "./snapshot-schema.ts";
import type { StatusSnapshot } from "./facts.ts";

const alive: Route = {
  kind: "answer",
  path: "/livez",
  needs: "probe",
  summary: "Whether the process is alive.",
  responses: { 200: { description: "It is.", type: "text/plain" } },
  answer: () => plainAnswer(200, "alive"),
};

const ready: Route = {
  kind: "answer",
  path: "/readyz",
  needs: "probe",
  summary: "Whether alerts are accepted.",
  responses: {
    200: { description: "They are.", type: "text/plain" },
    503: { description: "The forwarder starts, stops, or applies changed settings.", type: "text/plain" },
  },
  answer: (_asked, { facts }) => (facts().isReady ? plainAnswer(200, "ready") : plainAnswer(503, "not ready")),
};

const status: Route = {
  kind: "answer",
  path: "/status",
  needs: "token",
  summary: "Everything that is known about the forwarder, at one moment.",
  responses: {
    200: { description: "The status.", type: "application/json", schema: { $ref: "/schema" } },
  },
  answer: (_asked, { shared }) => shared("/status", (snapshot) => jsonAnswer(200, snapshot)),
};

const metrics: Route = {
  kind: "answer",
  path: "/metrics",
  needs: "token",
  summary: "The metrics for Prometheus.",
  responses: { 200: { description: "The metrics.", type: "text/plain" } },
  answer: (_asked, { shared, metrics: made }) =>
    shared("/metrics", async (snapshot) => ({ status: 200, type: made.contentType, body: await made.text(snapshot) })),
};

/** Made once for all who listen. */
const frames = new WeakMap<StatusSnapshot, string>();

function statusFrame(snapshot: StatusSnapshot): string {
  const frame = frames.get(snapshot) ?? eventFrame("status", JSON.stringify(snapshot));
  frames.set(snapshot, frame);
  return frame;
}

const events: Route = {
  kind: "stream",
  path: "/events",
  needs: "token",
  summary: "Server-sent events: the status at once and then every second, as event `status`; a comment every 5 s.",
  responses: { 200: { description: "The events.", type: "text/event-stream" } },
  async open(stream, _asked, { shared, watch }) {
    const { body } = await shared("/status", (snapshot) => jsonAnswer(200, snapshot));
    stream.send(eventFrame("status", body.toString().trimEnd()));
    watch((snapshot) => stream.send(statusFrame(snapshot)), stream.ended);
  },
};

const schema: Route = {
  kind: "answer",
  path: "/schema",
  needs: "token",
  summary: "JSON Schema of /status.",
  responses: { 200: { description: "The schema.", type: "application/schema+json" } },
  answer: () => ({ ...jsonAnswer(200, snapshotSchema()), type: "application/schema+json; charset=utf-8" }),
};

const openApiDocument: Route = {
  kind: "answer",
  path: "/openapi.json",
  needs: "token",
  summary: "This description, in OpenAPI 3.1.",
  responses: { 200: { description: "The description.", type: "application/json" } },
  answer: (_asked, { routes, facts }) => jsonAnswer(200, openApi(routes, facts().version)),
};

const history: Route = {
  kind: "answer",
  path: "/history",
  needs: "token",
  summary: "Curves of the last hour: a point every 10 s, the newest last, null where nothing is known.",
  responses: { 200: { description: "The curves.", type: "application/json" } },
  answer: (_asked, { history: kept }) => jsonAnswer(200, kept.report()),
};

const page: Route = {
  kind: "answer",
  path: "/",
  needs: "nothing",
  summary: "The page for people. It holds no data: it asks for them like anybody else.",
  responses: { 200: { description: "The page.", type: "text/html" } },
  answer: () => pageAnswer(),
};

export const statusRoutes: readonly Route[] = [
  page,
  alive,
  ready,
  status,
  metrics,
  events,
  history,
  tapRoute,
  schema,
  openApiDocument,
  ...pythonRoutes,
];
