/** The parts as the forwarder puts them together: real sources, a file as the sink, settings as they are written. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { inspectText } from "../../../daemon/config/inspect.ts";
import { EventWatch } from "../../../daemon/delivery/event-watch.ts";
import { Tap } from "../../../daemon/delivery/tap.ts";
import { createCounters } from "../../../daemon/forwarder/counters.ts";
import { DeadLetterEvents } from "../../../daemon/forwarder/dead-letter-events.ts";
import { Forwarder } from "../../../daemon/forwarder/forwarder.ts";
import { Metrics } from "../../../daemon/status/metrics.ts";
import { LatencyMeter } from "../../../daemon/telemetry/latency.ts";
import { silentLog } from "../../../daemon/telemetry/log.ts";
import { SocketWatch } from "../../../daemon/telemetry/socket-watch.ts";
import { alertLine } from "../../integration/status-world.ts";
import { AlertStream } from "../../rig/alert-stream.ts";
import { eventually } from "../../rig/eventually.ts";
import { TempDir } from "../../rig/temp-dir.ts";

const windowsAlert = JSON.stringify({
  timestamp: "2023-11-14T22:13:20.000+0000",
  id: "1700000000.9",
  manager: { name: "m" },
  data: { win: { system: { eventID: "4625" }, eventdata: {} } },
});

interface Options {
  /** Lines that alerts.json holds at the start. */
  readonly log?: readonly string[];
  /** As `--set` takes them. */
  readonly sets?: readonly string[];
}

/** A forwarder in this process, with all of its files in a temporary directory. */
class Wired implements AsyncDisposable {
  readonly directory: TempDir;
  readonly forwarder: Forwarder;
  /** The topics of each look-up. */
  readonly lookedUp: string[][] = [];
  readonly #socketWatch = new SocketWatch();
  readonly #deadLetterNews = new DeadLetterEvents();

  private constructor(directory: TempDir, sets: readonly string[]) {
    this.directory = directory;
    const settings = {
      dfn: { customer_id: "acme" },
      wazuh: { home: directory.join("ossec"), feedback: "off" },
      sources: { socket: { path: directory.join("alerts.sock") }, tail: { start: "beginning" } },
      sink: { file: { path: directory.join("records.ndjson") } },
      state_dir: directory.join("state"),
    };
    const { config, problems } = inspectText({ text: JSON.stringify(settings), file: "x.yaml", env: {}, sets });
    assert.ok(config, JSON.stringify(problems));
    this.forwarder = new Forwarder({
      config,
      env: {},
      log: silentLog,
      counters: createCounters(),
      latency: new LatencyMeter(),
      metrics: new Metrics(),
      socketWatch: this.#socketWatch,
      eventWatch: new EventWatch(),
      deadLetterNews: this.#deadLetterNews,
      tap: new Tap(),
      version: "test",
    });
    const { sink } = this.forwarder;
    const lookup = sink.lookup.bind(sink);
    sink.lookup = (topics, ...others) => {
      this.lookedUp.push([...topics]);
      return lookup(topics, ...others);
    };
  }

  static async start({ log = [], sets = [] }: Options = {}): Promise<Wired> {
    const directory = await TempDir.create();
    for (const path of ["ossec/logs/alerts", "state"]) mkdirSync(directory.join(path), { recursive: true });
    writeFileSync(directory.join("ossec/logs/alerts/alerts.json"), log.map((line) => `${line}\n`).join(""));
    const wired = new Wired(directory, sets);
    await wired.forwarder.start((reason) => assert.fail(String(reason)));
    return wired;
  }

  /** Resolves once the sink's file holds that many records, with their topics. */
  async topics(records: number): Promise<string[]> {
    const path = this.directory.join("records.ndjson");
    const lines = (): string[] => (existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : []);
    await eventually(`${records} records`, () => lines().length >= records);
    return lines().map((line): string => JSON.parse(line).topic);
  }

  async send(line: string): Promise<string[]> {
    await using stream = await AlertStream.connect(this.directory.join("alerts.sock"));
    await stream.send(Buffer.from(`${line}\n`));
    await stream.end();
    return stream.answers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.forwarder.stop();
    this.#socketWatch[Symbol.dispose]();
    this.#deadLetterNews[Symbol.dispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}

test("what a source brings is counted for that source", async () => {
  await using wired = await Wired.start({ log: [alertLine(1), alertLine(2), '{"id":"3.1"}'] });
  await wired.topics(2);
  assert.deepEqual(await wired.send(alertLine(4)), ["accepted 4.1"]);
  await wired.topics(3);
  assert.deepEqual(await wired.send(alertLine(2)), ["duplicate 2.1"]);
  const { socket, tail, replay } = wired.forwarder.setup.counters;
  await eventually("the outcomes", () => tail.acknowledged === 2 && socket.acknowledged === 1);
  assert.deepEqual([tail.read, tail.ignored, tail.paired], [3, 1, 0]);
  assert.deepEqual([socket.read, socket.ignored, socket.paired], [2, 0, 1]);
  assert.equal(replay.read, 0);
});

for (const [what, sets, line, topics] of [
  ["the handlers for DFN", [], windowsAlert, ["acme"]],
  ["one of them", ["handlers.windows=off"], alertLine(1), ["acme"]],
  ["passthrough as well", ["handlers.passthrough.topic=all"], alertLine(1), ["acme", "all"]],
  [
    "passthrough alone",
    ["handlers.windows=off", "handlers.fail2ban=off", "handlers.passthrough.topic=all"],
    alertLine(1),
    ["all"],
  ],
] as const) {
  test(`with ${what} on, the topics that are looked up after a start are those that are written to`, async () => {
    await using wired = await Wired.start({ log: [line], sets });
    assert.deepEqual((await wired.topics(topics.length)).toSorted(), topics);
    assert.deepEqual(
      wired.lookedUp.map((looked) => looked.toSorted()),
      [topics],
    );
  });
}

test("settings reach the parts that they are for", async () => {
  const sets = ["limits.memory=48MiB", "sources.socket.mode=0600", "sources.socket.max_line=64KiB"];
  await using wired = await Wired.start({ sets });
  assert.equal(wired.forwarder.core.budget.limitBytes, 48 * 1024 * 1024);
  assert.equal(statSync(wired.directory.join("alerts.sock")).mode & 0o777, 0o600);
  const [answer = ""] = await wired.send(`{"id":"1.1","full_log":"${"x".repeat(64 * 1024)}"}`);
  assert.match(answer, /^rejected /);
  await eventually("the checkpoint", () => existsSync(wired.directory.join("state/checkpoint.json")));
  await eventually("the dead letter", () => existsSync(wired.directory.join("state/dead-letters")));
});

test("without the tail nothing is left to it: a repeated alert gets the outcome of the first", async () => {
  await using wired = await Wired.start({ log: [alertLine(1)], sets: ["sources.tail=off"] });
  assert.equal(wired.forwarder.tail, undefined);
  assert.deepEqual(await wired.send(alertLine(2)), ["delivered 2.1"]);
  assert.deepEqual(await wired.send(alertLine(2)), ["duplicate 2.1"]);
  assert.deepEqual(await wired.topics(1), ["acme"]);
  assert.equal(wired.forwarder.setup.counters.tail.read, 0);
});

test("without the socket there is none, and nothing is remembered for pairing", async () => {
  await using wired = await Wired.start({ log: [alertLine(1)], sets: ["sources.socket=off"] });
  assert.deepEqual(await wired.topics(1), ["acme"]);
  assert.equal(wired.forwarder.pairing, undefined);
  assert.ok(!existsSync(wired.directory.join("alerts.sock")));
});
