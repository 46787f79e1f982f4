import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { eventFrame, EventStreams } from "../../daemon/status/event-stream.ts";
import { Metrics } from "../../daemon/status/metrics.ts";
import { StatusService } from "../../daemon/status/service.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import { eventually } from "../rig/eventually.ts";
import { freePorts } from "../rig/free-ports.ts";
import { schemaViolations } from "../rig/schema-violations.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { aForwarder } from "../unit/status/a-forwarder.ts";
import { alertLine, ask, StatusWorld } from "./status-world.ts";

type Target = { readonly socketPath: string } | { readonly host: string; readonly port: number };

/** A client of `/events`. */
class Listener implements Disposable {
  readonly response: IncomingMessage;
  text = "";
  hasEnded = false;

  private constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding("utf8").on("data", (part: string) => (this.text += part));
    response.on("error", () => undefined); // The service may end it in the middle.
    response.on("close", () => (this.hasEnded = true));
  }

  static async of(target: Target): Promise<Listener> {
    const asked = request({ ...target, path: "/events", agent: false });
    asked.end();
    const [response] = await once(asked, "response");
    return new Listener(response);
  }

  /** The data of all whole events so far, each of which must be a status. */
  statuses(): { readonly uptimeSeconds: number; readonly sources: { readonly tail: { readonly read: number } } }[] {
    const frames = this.text.split("\n\n").slice(0, -1);
    return frames
      .filter((frame) => !frame.startsWith(":"))
      .map((frame) => {
        assert.match(frame, /^event: status\ndata: [^\n]+$/);
        return JSON.parse(frame.slice("event: status\ndata: ".length));
      });
  }

  [Symbol.dispose](): void {
    this.response.destroy();
  }
}

function service(): StatusService {
  return new StatusService({ facts: () => aForwarder(), refresh: () => Promise.resolve(), metrics: new Metrics() });
}

test("a real forwarder's answers are as /schema describes them, on /status and on /events, which follows the alerts", async () => {
  await using world = await StatusWorld.create();
  await world.start();
  const schema = JSON.parse((await world.ask("/schema")).body);
  assert.equal(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
  using listener = await Listener.of({ socketPath: world.statusSocket });
  assert.equal(listener.response.headers["content-type"], "text/event-stream; charset=utf-8");
  await eventually("the first status", () => listener.statuses().length > 0);
  world.writeLog(alertLine(1_700_000_000), "not an alert");
  await world.sentReach(1);
  await eventually("the alert in a status", () => (listener.statuses().at(-1)?.sources.tail.read ?? 0) >= 1);
  await eventually("a comment", () => listener.text.includes("\n\n:\n\n"));
  for (const status of [...listener.statuses(), JSON.parse((await world.ask("/status")).body)]) {
    assert.deepEqual(schemaViolations(schema, JSON.parse(JSON.stringify(status))), []);
  }
});

test("/openapi.json describes every path that there is, and a path that is not there gets 404 with a JSON body that names them", async () => {
  await using temp = await TempDir.create();
  await using status = service();
  const path = temp.join("status.sock");
  await status.listen({ kind: "unix", path }, silentLog);
  const { status: code, body } = await ask(path, "/absent?x=1");
  assert.equal(code, 404);
  const { error, paths } = JSON.parse(body);
  assert.equal(error, "not found");
  const document = JSON.parse((await ask(path, "/openapi.json")).body);
  assert.equal(document.openapi, "3.1.0");
  assert.deepEqual(Object.keys(document.paths).toSorted(), paths.toSorted());
  for (const one of paths.filter((each: string) => each !== "/events" && each !== "/tap")) {
    const answer = await ask(path, one);
    const described = Object.keys(document.paths[one].get.responses);
    assert.ok(described.includes(String(answer.status)), `${one}: ${answer.status}`);
  }
  assert.equal(document.paths["/status"].get.security.length, 2);
  assert.deepEqual(document.paths["/livez"].get.security, []);
});

test("an address has at most two streams, and room again when one ends; others are told when to ask again", async () => {
  await using status = service();
  const [port = 0] = await freePorts(1);
  const target = { host: "127.0.0.1", port };
  await status.listen({ kind: "tcp", ...target }, silentLog);
  using first = await Listener.of(target);
  using second = await Listener.of(target);
  assert.deepEqual([first.response.statusCode, second.response.statusCode], [200, 200]);
  {
    using third = await Listener.of(target);
    assert.equal(third.response.statusCode, 429);
    assert.match(third.response.headers["retry-after"] ?? "", /^\d+$/);
  }
  first.response.destroy();
  await eventually("room for another stream", async () => {
    using again = await Listener.of(target);
    return again.response.statusCode === 200;
  });
});

test("HEAD of a stream has a head alone, and a stop ends all streams", async () => {
  await using temp = await TempDir.create();
  await using status = service();
  const path = temp.join("status.sock");
  await status.listen({ kind: "unix", path }, silentLog);
  assert.deepEqual(await ask(path, "/events", "HEAD"), { status: 200, body: "" });
  using listener = await Listener.of({ socketPath: path });
  await status[Symbol.asyncDispose]();
  await eventually("the end of the stream", () => listener.hasEnded);
});

test("frames for a slow reader are dropped, and 64 KiB behind its stream ends, while others get every frame", async () => {
  await using temp = await TempDir.create();
  const streams = new EventStreams();
  const server = createServer((_request, response) => {
    response.writeHead(200);
    response.flushHeaders();
    streams.open(response, undefined);
  });
  const path = temp.join("streams.sock");
  server.listen(path);
  await once(server, "listening");
  try {
    const deaf = connect(path);
    deaf.on("error", () => undefined); // Its stream is ended from the other side.
    deaf.pause().write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await eventually("the first stream", () => streams.size === 1);
    const opened: { readonly dropped: number }[] = [];
    streams.endWhere((stream) => (opened.push(stream), false));
    let sent = 0;
    // What the system itself takes comes on top of what waits here.
    await eventually("the end of the slow reader's stream", () => {
      streams.endWhere((stream) => (stream.send(eventFrame("x", "y".repeat(8000))), sent++, false));
      return streams.size === 0;
    });
    const dropped = opened[0]?.dropped ?? 0;
    assert.ok(dropped > 0 && dropped <= 9, `${dropped} of ${sent} were dropped`);
    deaf.destroy();
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("a frame with newlines remains one event", () => {
  assert.equal(eventFrame("tap", "a\nb\r\nc"), "event: tap\ndata: a\ndata: b\ndata: c\n\n");
});
