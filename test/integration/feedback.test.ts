/** Feedback over a real Unix datagram socket, whose other end reads what it wants when it wants. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import type { Log } from "../../daemon/telemetry/log.ts";
import { Feedback, type FeedbackOptions } from "../../daemon/wazuh/feedback.ts";
import { DatagramReceiver } from "../rig/datagram-receiver.ts";
import { eventually } from "../rig/eventually.ts";
import { TempDir } from "../rig/temp-dir.ts";

/** Keeps what an administrator would read: `level message {fields}`. */
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

class World implements AsyncDisposable {
  readonly log = new LogLines();
  readonly dir: TempDir;
  readonly path: string;
  readonly got: string[] = [];

  constructor(dir: TempDir) {
    this.dir = dir;
    this.path = dir.join("queue");
  }

  feedback(options: Partial<Pick<FeedbackOptions, "mode" | "queueLimit" | "errorsEveryMs">> = {}): Feedback {
    return new Feedback({ queue: { kind: "unix", path: this.path }, mode: "on", log: this.log, ...options });
  }

  /** Reads datagrams until the given total number has come. */
  async receive(receiver: DatagramReceiver, count: number): Promise<void> {
    await eventually(`${count} datagrams`, () => {
      for (const datagram of receiver.take()) this.got.push(idOf(datagram));
      return this.got.length >= count;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dir[Symbol.asyncDispose]();
  }
}

function idOf(datagram: Buffer): string {
  return /"alert_id":"([^"]*)"|"description":"([^"]*)"/.exec(datagram.toString())?.slice(1).find(Boolean) ?? "";
}

function acknowledge(feedback: Feedback, from: number, to: number): string[] {
  const ids: string[] = [];
  for (let at = from; at < to; at++) {
    ids.push(`1.${at}`);
    feedback.acknowledged(() => ({
      alertId: `1.${at}`,
      agentId: "001",
      agentName: "dc1",
      eventFormat: "windows-xml",
      eventId: "4625",
      winTimestamp: null,
    }));
  }
  return ids;
}

function noNativeFile(): never {
  throw new Error("no native file for this platform");
}

async function world(): Promise<World> {
  return new World(await TempDir.create());
}

/** Datagrams that the system queues for one socket: ten, unless systemd has set 512. */
const queueLength = Number(readFileSync("/proc/sys/net/unix/max_dgram_qlen", "latin1"));
/** More than fit into it. */
const burst = 10 * queueLength;

test("a burst far beyond analysisd's queue arrives whole and in order", async () => {
  await using w = await world();
  using receiver = new DatagramReceiver(w.path);
  await using feedback = w.feedback();
  const count = Math.max(2000, burst);
  const ids = acknowledge(feedback, 0, count);
  await w.receive(receiver, count);
  assert.deepEqual(w.got, ids);
  await eventually("an empty queue", () => feedback.snapshot().queued === 0);
  const { sent, dropped, retried } = feedback.snapshot();
  assert.deepEqual([sent, dropped], [count, 0]);
  assert.ok(retried > 0);
  assert.deepEqual(w.log.lines, []);
});

test("while nobody reads them, events wait up to the limit; those beyond it are dropped, counted and reported once", async () => {
  await using w = await world();
  using receiver = new DatagramReceiver(w.path);
  await using feedback = w.feedback({ queueLimit: 50 });
  acknowledge(feedback, 0, 10);
  await eventually("the first ones", () => feedback.snapshot().sent === 10);
  const ids = acknowledge(feedback, 10, 1010);
  const { dropped } = feedback.snapshot();
  assert.equal(dropped, 950);
  assert.equal(w.log.count(/feedback events are dropped/), 1);
  await w.receive(receiver, 60);
  await eventually("an empty queue", () => feedback.snapshot().queued === 0);
  assert.deepEqual(w.got.slice(10), ids.slice(0, 50));
  assert.deepEqual(feedback.snapshot().sent, 60);
  assert.equal(w.log.count(/no longer dropped/), 1);
  assert.equal(w.log.count(/"events":950/), 1);
});

test("events wait for analysisd when it starts later, and this is reported once", async () => {
  await using w = await world();
  await using feedback = w.feedback();
  const ids = acknowledge(feedback, 0, 20);
  await eventually("some tries", () => feedback.snapshot().retried >= 2);
  using receiver = new DatagramReceiver(w.path);
  await w.receive(receiver, 20);
  assert.deepEqual(w.got, ids);
  assert.equal(w.log.count(/^warn .*ENOENT.*cannot be reached/), 1);
  assert.equal(w.log.count(/^info .*again/), 1);
});

test("a restart of analysisd in the middle of a burst loses only what it had not read from its queue", async () => {
  await using w = await world();
  await using feedback = w.feedback();
  const first = new DatagramReceiver(w.path);
  acknowledge(feedback, 0, burst);
  await eventually("a full queue", () => feedback.snapshot().retried > 0);
  const sentToFirst = feedback.snapshot().sent;
  first[Symbol.dispose]();
  await eventually("nobody behind the file", () => w.log.count(/ECONNREFUSED/) === 1);
  await rm(w.path);
  using second = new DatagramReceiver(w.path);
  await w.receive(second, burst - sentToFirst);
  assert.equal(w.got.at(-1), `1.${burst - 1}`);
  assert.equal(new Set(w.got).size, burst - sentToFirst);
});

test("a socket that replaced another one is found, even while the old one is held open", async () => {
  await using w = await world();
  await using feedback = w.feedback();
  using first = new DatagramReceiver(w.path);
  acknowledge(feedback, 0, 1);
  await w.receive(first, 1);
  await rm(w.path);
  using second = new DatagramReceiver(w.path);
  acknowledge(feedback, 1, 2);
  await w.receive(second, 2);
  assert.deepEqual(w.got, ["1.0", "1.1"]);
});

test("mode errors sends errors only, mode off nothing", async () => {
  await using w = await world();
  using receiver = new DatagramReceiver(w.path);
  {
    await using errors = w.feedback({ mode: "errors" });
    await using off = w.feedback({ mode: "off" });
    for (const feedback of [errors, off]) {
      acknowledge(feedback, 0, 3);
      feedback.error({ code: 503, description: "one" });
    }
  }
  await w.receive(receiver, 1);
  assert.deepEqual(w.got, ["one"]);
  assert.deepEqual(receiver.take(), []);
});

test("a thousand dead letters make one event at once and one for the rest of the time; nothing hides a warning", async () => {
  await using w = await world();
  using receiver = new DatagramReceiver(w.path);
  await using feedback = w.feedback({ errorsEveryMs: 200 });
  for (let i = 1; i <= 1000; i++) feedback.error({ code: 503, description: `alert ${i}`, status: "dead-letter" });
  feedback.error({ code: 503, description: "warning" });
  await w.receive(receiver, 3);
  assert.deepEqual(w.got, ["alert 1", "warning", "alert 1000, and 998 more before it"]);
});

test("what was not reported by the end is reported with it", async () => {
  await using w = await world();
  using receiver = new DatagramReceiver(w.path);
  {
    await using feedback = w.feedback();
    for (const id of [1, 2, 3]) feedback.error({ code: 503, description: `alert ${id}`, status: "dead-letter" });
  }
  await w.receive(receiver, 2);
  assert.deepEqual(w.got, ["alert 1", "alert 3, and 1 more before it"]);
});

test("at the end what can be sent is sent, and the rest is counted", async () => {
  await using w = await world();
  using receiver = new DatagramReceiver(w.path);
  const feedback = w.feedback();
  acknowledge(feedback, 0, 5);
  await feedback[Symbol.asyncDispose]();
  await feedback[Symbol.asyncDispose]();
  await w.receive(receiver, 5);

  const stuck = w.feedback();
  acknowledge(stuck, 0, burst);
  await stuck[Symbol.asyncDispose]();
  const { sent, dropped, queued } = stuck.snapshot();
  assert.deepEqual([sent + dropped, queued], [burst, 0]);
  assert.ok(sent > 0 && sent < burst);
  assert.equal(w.log.count(/could not be sent/), 1);
  acknowledge(stuck, burst, burst + 1);
  assert.equal(stuck.snapshot().dropped, dropped + 1);
});

test("the end does not wait for analysisd when it is away, nor before anything was sent", async () => {
  await using w = await world();
  const feedback = w.feedback();
  acknowledge(feedback, 0, 3);
  await feedback[Symbol.asyncDispose]();
  assert.deepEqual(feedback.snapshot(), { sent: 0, dropped: 3, retried: 0, queued: 0 });
  await w.feedback()[Symbol.asyncDispose]();
});

test("anything at the path that is not a datagram socket is waited out, and named", async () => {
  await using w = await world();
  await writeFile(w.path, "");
  await using feedback = w.feedback();
  acknowledge(feedback, 0, 1);
  await eventually("a warning", () => w.log.count(/ECONNREFUSED/) === 1);
  await rm(w.path);
  const stream = createServer().listen(w.path);
  await once(stream, "listening");
  const before = feedback.snapshot().retried;
  await eventually("another try", () => feedback.snapshot().retried > before);
  stream.close();
  await once(stream, "close");
  using receiver = new DatagramReceiver(w.path);
  await w.receive(receiver, 1);
});

test("a path that is too long for a socket is named", async () => {
  await using w = await world();
  await using feedback = new Feedback({ queue: { kind: "unix", path: `/${"x".repeat(108)}` }, mode: "on", log: w.log });
  acknowledge(feedback, 0, 1);
  await eventually("a warning", () => w.log.count(/ENAMETOOLONG/) === 1);
});

test("without the native file the forwarder continues: one warning, and events are counted as dropped", async () => {
  await using w = await world();
  await using feedback = new Feedback({
    queue: { kind: "unix", path: w.path },
    mode: "on",
    log: w.log,
    load: noNativeFile,
  });
  acknowledge(feedback, 0, 2);
  await eventually("a warning", () => w.log.count(/feedback to Wazuh is off.*no native file for this platform/) === 1);
  acknowledge(feedback, 2, 3);
  assert.deepEqual(feedback.snapshot(), { sent: 0, dropped: 3, retried: 0, queued: 0 });
  assert.equal(w.log.lines.length, 1);
});
