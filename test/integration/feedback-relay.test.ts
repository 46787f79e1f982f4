/** Feedback over TCP, to a relay that reads what it wants when it wants. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { Log } from "../../daemon/telemetry/log.ts";
import { Feedback, type FeedbackOptions } from "../../daemon/wazuh/feedback.ts";
import { QueueStream } from "../../daemon/wazuh/queue-stream.ts";
import { DatagramReceiver } from "../rig/datagram-receiver.ts";
import { eventually } from "../rig/eventually.ts";
import { freePorts } from "../rig/free-ports.ts";
import { QueueRelay } from "../rig/queue-relay.ts";
import { alertLine, StatusWorld } from "./status-world.ts";

class LogLines implements Log {
  readonly lines: string[] = [];
  readonly debug: Log["debug"] = () => undefined;
  readonly info: Log["info"] = (...args: unknown[]) => this.#keep("info", args);
  readonly warn: Log["warn"] = (...args: unknown[]) => this.#keep("warn", args);
  readonly error: Log["error"] = (...args: unknown[]) => this.#keep("error", args);

  count(pattern: RegExp): number {
    return this.lines.filter((line) => pattern.test(line)).length;
  }

  #keep(level: string, args: unknown[]): void {
    this.lines.push([level, ...args.map((arg) => (typeof arg === "string" ? arg : JSON.stringify(arg)))].join(" "));
  }
}

function noNativeFile(): never {
  throw new Error("TCP needs no native file");
}

function feedbackTo(
  queue: FeedbackOptions["queue"],
  log: Log,
  options: Partial<Pick<FeedbackOptions, "queueLimit">> = {},
): Feedback {
  return new Feedback({ queue, mode: "on", log, load: noNativeFile, ...options });
}

/** Makes events; the ids in them continue from call to call. */
class Events {
  readonly #feedback: Feedback;
  #made = 0;

  constructor(feedback: Feedback) {
    this.#feedback = feedback;
  }

  get made(): number {
    return this.#made;
  }

  make(count: number, agentName = "dc1"): void {
    for (let left = count; left > 0; left--) {
      const alertId = `1.${this.#made++}`;
      this.#feedback.acknowledged(() => ({
        alertId,
        agentId: "001",
        agentName,
        eventFormat: "windows-xml",
        eventId: "4625",
        winTimestamp: "w".repeat(1000),
        timestamp: "t".repeat(1000),
      }));
    }
  }
}

/** The number of each event; a line that is not one whole event fails the test. */
function numbersIn(lines: readonly string[]): number[] {
  return lines.map((line) => {
    assert.match(line, /^1:\[001\] \(dc1\) any->dfn:\{/);
    const event: { alert_id: string } = JSON.parse(line.slice(line.indexOf("{")));
    return Number(event.alert_id.slice(2));
  });
}

function upTo(count: number): number[] {
  return [...Array(count).keys()];
}

/**
 * Whether the connection accepts nothing more: three tries in a row without an event accepted. Makes more until then.
 */
function isStuck(feedback: Feedback, events: Events): () => boolean {
  let before = feedback.snapshot();
  return () => {
    const now = feedback.snapshot();
    if (now.queued === 0) events.make(1000);
    if (now.sent !== before.sent || now.queued === 0) before = now;
    return now.sent > 0 && now.retried >= before.retried + 3;
  };
}

test("each event is one line, whole and in order, over one connection, without the native file", async () => {
  const log = new LogLines();
  await using relay = await QueueRelay.listen();
  await using feedback = feedbackTo(relay.address, log);
  const events = new Events(feedback);
  events.make(3000);
  await eventually("all of them", () => relay.lines.length === 3000);
  events.make(1);
  await eventually("one more", () => relay.lines.length === 3001);
  assert.deepEqual(numbersIn(relay.lines), upTo(3001));
  assert.equal(relay.connections, 1);
  assert.deepEqual(log.lines, []);
  const { sent, dropped, queued } = feedback.snapshot();
  assert.deepEqual([sent, dropped, queued], [3001, 0, 0]);
});

test("a name with a line break in it, and an event that contains one, add no further line", async () => {
  await using relay = await QueueRelay.listen();
  await using feedback = feedbackTo(relay.address, new LogLines());
  feedback.error({ code: 503, description: "first\nsecond\r\n" });
  new Events(feedback).make(1, "a\nb");
  await eventually("both", () => relay.lines.length === 2);
  for (const line of relay.lines) JSON.parse(line.slice(line.indexOf("{")));
  using stream = new QueueStream(relay.address);
  assert.equal(stream.send(Buffer.from("1:dfn:{}\n1:dfn:{}")).kind, "too-large");
  assert.equal(stream.send(Buffer.alloc(65_536, "x")).kind, "too-large");
});

test("events wait for a relay that starts later, and this is logged once", async () => {
  const log = new LogLines();
  const [port = 0] = await freePorts(1);
  await using feedback = feedbackTo({ kind: "tcp", host: "127.0.0.1", port }, log);
  new Events(feedback).make(20);
  await eventually("some tries", () => feedback.snapshot().retried >= 4);
  assert.equal(log.count(/^warn .*"queue":"tcp:\/\/127\.0\.0\.1:\d+","reason":"ECONNREFUSED".*wazuh\.queue/), 1);
  assert.equal(feedback.snapshot().sent, 0);
  await using relay = await QueueRelay.listen(port);
  await eventually("all", () => relay.lines.length === 20);
  assert.deepEqual(numbersIn(relay.lines), upTo(20));
  assert.equal(log.count(/cannot be reached/), 1);
  assert.equal(log.count(/^info .*again/), 1);
});

test("a relay that dies and returns gets what was not delivered, each event whole, including the one that was cut off", async () => {
  const log = new LogLines();
  const [port = 0] = await freePorts(1);
  const first = await QueueRelay.listen(port);
  await using feedback = feedbackTo(first.address, log);
  const events = new Events(feedback);
  // More than the kernel accepts, so that an event is in progress when the connection ends.
  first.onConnection = (socket) => socket.pause();
  await eventually("a full connection", isStuck(feedback, events));
  const { sent } = feedback.snapshot();
  await first[Symbol.asyncDispose]();
  await using second = await QueueRelay.listen(port);
  await eventually(
    "the rest",
    () => feedback.snapshot().queued === 0 && numbersIn(second.lines).at(-1) === events.made - 1,
  );
  const from = events.made - second.lines.length;
  assert.ok(from >= sent && from < events.made);
  assert.deepEqual(numbersIn(second.lines), upTo(events.made).slice(from));
  assert.deepEqual([feedback.snapshot().sent, feedback.snapshot().dropped], [events.made, 0]);
  assert.deepEqual(second.cutOff, []);
});

test("a slow relay delays events up to the limit; beyond it they are dropped and counted, and none is split", async () => {
  const log = new LogLines();
  await using relay = await QueueRelay.listen();
  relay.onConnection = (socket) => socket.pause();
  await using feedback = feedbackTo(relay.address, log, { queueLimit: 500 });
  const events = new Events(feedback);
  await eventually("drops", () => {
    events.make(500);
    assert.ok(feedback.snapshot().queued <= 500);
    return relay.open > 0 && feedback.snapshot().dropped > 0;
  });
  assert.equal(log.count(/feedback events are dropped/), 1);
  relay.resume();
  await eventually("all that was kept", () => {
    const { sent, queued } = feedback.snapshot();
    return queued === 0 && relay.lines.length === sent;
  });
  const numbers = numbersIn(relay.lines);
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(numbers).size, numbers.length);
  const { sent, dropped } = feedback.snapshot();
  assert.equal(sent + dropped, events.made);
});

test("if a relay ends its half of the connection nothing is lost: the next event comes over a new one", async () => {
  const log = new LogLines();
  await using relay = await QueueRelay.listen();
  await using feedback = feedbackTo(relay.address, log);
  const events = new Events(feedback);
  for (let round = 1; round <= 5; round++) {
    events.make(10);
    await eventually("ten more", () => relay.lines.length === 11 * round - 1);
    relay.endHalves();
    // What is sent before the forwarder's kernel knows about the end still arrives: the relay continues to read.
    events.make(1);
    await eventually("one more", () => relay.lines.length === 11 * round);
    await eventually("the end of the connection", () => relay.open === 0 || relay.connections > round);
  }
  assert.deepEqual(numbersIn(relay.lines), upTo(events.made));
  assert.deepEqual(relay.cutOff, []);
  assert.equal(log.count(/warn/), 0);
});

test("a relay that reads nothing for long is left, and the event in progress goes whole to the next connection", async () => {
  await using relay = await QueueRelay.listen();
  let isFirst = true;
  relay.onConnection = (socket) => {
    if (isFirst) socket.pause();
    isFirst = false;
  };
  using stream = new QueueStream({ ...relay.address, patienceMs: 50 });
  const event = Buffer.from(`1:dfn:${"x".repeat(60_000)}`);
  let sent = 0;
  const results = new Set<string>();
  await eventually("the second connection", () => {
    for (;;) {
      const result = stream.send(event);
      results.add(result.kind === "away" ? `away ${result.why}` : result.kind);
      if (result.kind !== "sent") break;
      sent++;
      if (relay.connections === 2) break;
    }
    return relay.connections === 2 && relay.lines.length > 0;
  });
  assert.ok(results.has("away ETIMEDOUT"), [...results].join());
  relay.resume();
  await eventually("all", () => relay.lines.length === sent);
  for (const line of relay.lines) assert.equal(line.length, event.length);
});

test("a relay that takes connections and ends them at once is reported, and found again", async () => {
  await using relay = await QueueRelay.listen();
  relay.onConnection = (socket) => socket.resetAndDestroy();
  using stream = new QueueStream(relay.address);
  const event = Buffer.from("1:dfn:{}");
  // The connection is made, and is gone before anything was sent over it.
  assert.equal(stream.send(event).kind, "full");
  await eventually("its end", () => relay.connections === 1 && relay.open === 0);
  await eventually("the report", () => {
    const result = stream.send(event);
    assert.notEqual(result.kind, "too-large");
    return result.kind === "away";
  });
  relay.onConnection = () => {};
  await eventually("an event that is taken", () => stream.send(event).kind === "sent");
  await eventually("the line", () => relay.lines.length >= 1);
});

test("at the end what can be sent is sent, the rest is counted, and no half event is left behind that counts as dropped", async () => {
  await using relay = await QueueRelay.listen();
  const feedback = feedbackTo(relay.address, new LogLines());
  new Events(feedback).make(50);
  await feedback[Symbol.asyncDispose]();
  await eventually("all", () => relay.lines.length === 50);
  assert.deepEqual(feedback.snapshot(), { sent: 50, dropped: 0, retried: feedback.snapshot().retried, queued: 0 });

  relay.lines.length = 0;
  relay.onConnection = (socket) => socket.pause();
  const stuck = feedbackTo(relay.address, new LogLines());
  const events = new Events(stuck);
  await eventually("a full connection", isStuck(stuck, events));
  await stuck[Symbol.asyncDispose]();
  const { sent, dropped, queued } = stuck.snapshot();
  assert.deepEqual([sent + dropped, queued], [events.made, 0]);
  relay.resume();
  await eventually("what was sent", () => relay.lines.length >= sent);
  assert.deepEqual(numbersIn(relay.lines), upTo(sent));
});

test("SIGHUP switches to another address: from the manager's own socket to a relay", async () => {
  await using world = await StatusWorld.create();
  await using relay = await QueueRelay.listen();
  const path = world.directory.join("queue");
  using own = new DatagramReceiver(path);
  const use = (queue: string): void => {
    const settings: { wazuh: object } = JSON.parse(readFileSync(world.config, "utf8"));
    writeFileSync(world.config, JSON.stringify({ ...settings, wazuh: { ...settings.wazuh, queue, feedback: "on" } }));
  };
  use(path);
  const forwarder = await world.start();
  world.writeLog(alertLine(1_700_000_001));
  const got: string[] = [];
  await eventually("the first one", () => got.push(...own.take().map(String)) > 0);
  assert.match(got[0] ?? "", /^1:\[001\] \(host\) 192\.0\.2\.1->dfn:\{"integration":"dfn","alert_id":"1700000001\.1"/);
  use(`tcp://127.0.0.1:${relay.port}`);
  const before = forwarder.errorLines.length;
  forwarder.signal("SIGHUP");
  await eventually("the reload", () =>
    forwarder.errorLines.slice(before).some((line) => line.includes('"msg":"started"')),
  );
  world.writeLog(alertLine(1_700_000_002));
  await eventually("the second one", () => relay.lines.some((line) => line.includes('"alert_id":"1700000002.1"')));
  assert.deepEqual(own.take(), []);
});
