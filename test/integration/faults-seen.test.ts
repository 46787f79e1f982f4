/** Each of these faults is made for real, and its code has to be wherever an administrator may look. */
import assert from "node:assert/strict";
import { appendFileSync, copyFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import type { StatusSnapshot } from "../../daemon/status/facts.ts";
import type { ReasonCode } from "../../daemon/telemetry/reason-codes.ts";
import { Browser, type BrowserPage } from "../rig/browser.ts";
import { eventually } from "../rig/eventually.ts";
import { freePorts } from "../rig/free-ports.ts";
import { KafkaCluster } from "../rig/kafka-cluster.ts";
import { Pki } from "../rig/pki.ts";
import type { Program } from "../rig/program.ts";
import { mayMount, SmallDisk } from "../rig/small-disk.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { QueueSocket } from "../rig/wazuh/queue-socket.ts";
import { alertLine, StatusWorld } from "./status-world.ts";

let directory: TempDir;
let pki: Pki;
let kafka: KafkaCluster;
let browser: Browser;
before(async () => {
  directory = await TempDir.create();
  pki = new Pki(directory.path);
  await pki.make("ca", { isAuthority: true });
  await Promise.all([
    pki.make("broker", { issuer: "ca" }),
    pki.make("ending", { issuer: "ca", days: 3 }),
    pki.make("renewed", { issuer: "ca" }),
  ]);
  const store = pki.path("broker-store.pem");
  for (const part of ["broker.key", "broker.pem", "ca.pem"]) appendFileSync(store, readFileSync(pki.path(part)));
  const listeners = { MUTUAL: { keyStore: store, clientCa: pki.path("ca.pem") } };
  [kafka, browser] = await Promise.all([KafkaCluster.start({ listeners }), Browser.start()]);
  await kafka.createTopic("acme", { partitions: 1 });
});
after(async () => {
  await browser?.[Symbol.asyncDispose]();
  await kafka?.[Symbol.asyncDispose]();
  await directory?.[Symbol.asyncDispose]();
});

/** A forwarder that delivers to Kafka, with everything that shows how it is. */
class Watched implements AsyncDisposable {
  readonly world: StatusWorld;
  readonly #url: string;
  readonly #queue: QueueSocket;
  readonly #forwarder: Program;
  readonly #page: BrowserPage;

  private constructor(world: StatusWorld, url: string, queue: QueueSocket, forwarder: Program, page: BrowserPage) {
    this.world = world;
    this.#url = url;
    this.#queue = queue;
    this.#forwarder = forwarder;
    this.#page = page;
  }

  /** @param changes sections of the settings */
  static async start(changes: Readonly<Record<string, unknown>> = {}): Promise<Watched> {
    const world = await StatusWorld.create();
    const [port = 0] = await freePorts(1);
    world.configure({ windows: "off", fail2ban: {} }, `127.0.0.1:${port}`, { kafka: { brokers: kafka.addresses } });
    const settings = JSON.parse(readFileSync(world.config, "utf8"));
    const wazuh = { home: world.directory.join("ossec") };
    writeFileSync(world.config, JSON.stringify({ ...settings, wazuh, ...changes }));
    const queue = new QueueSocket(`${wazuh.home}/queue/sockets/queue`);
    const forwarder = await world.start();
    const url = `http://127.0.0.1:${port}/`;
    return new Watched(world, url, queue, forwarder, await browser.open(url));
  }

  /** Resolves when nothing is wrong, which the page shows too. */
  async isWell(): Promise<void> {
    await this.#page.shows(/^Nothing is wrong\.$/, "#reasons");
    assert.equal((await this.world.run("status")).code, 0);
  }

  /** Resolves when the fault is in the status, the command's output, metrics, page, log, and an event for Wazuh. */
  async shows(code: ReasonCode, subject: string): Promise<void> {
    await eventually(`${code} in /status`, async () => {
      const { health } = await this.#status();
      return health.state === "degraded" && health.reasons.some((one) => one.code === code && one.subject === subject);
    });
    assert.equal(await this.#metric(code), 1);
    const { code: exitCode, stdout } = await this.world.run("status");
    assert.equal(exitCode, 1);
    assert.ok(stdout.includes(`\n  ${subject} [${code}], for `), stdout);
    const probe: { status: string } = JSON.parse(await this.#text("health"));
    assert.notEqual(probe.status, "HEALTHY");
    const about = subject.replaceAll(/[^\w ]/g, String.raw`\$&`);
    await this.#page.shows(new RegExp(`^${code}: ${about} for \\d`, "m"), "#reasons");
    await this.#page.shows(/^✗ degraded: /, "#state");
    await this.#page.picture(code);
    await this.#forwarder.waitForLog(new RegExp(`"code":"${code}"`));
    const event = await eventually(`an event for Wazuh with ${code}`, () =>
      this.#events().find(({ dfn }) => dfn.code === code && dfn.subject === subject),
    );
    assert.deepEqual([event.integration, event.dfn.status], ["dfn", "degraded"]);
  }

  /** Resolves when it is nowhere any more. */
  async isOver(code: ReasonCode): Promise<void> {
    await eventually(`the end of ${code}`, async () => (await this.#metric(code)) === 0);
    const { health } = await this.#status();
    assert.ok(!health.reasons.some((one) => one.code === code));
    await this.#page.shows(new RegExp(`^(?![^]*${code})`), "#reasons");
  }

  async isOverInLog(code: ReasonCode): Promise<void> {
    await this.#forwarder.waitForLog(new RegExp(`"code":"${code}-over"`));
  }

  async #status(): Promise<StatusSnapshot> {
    return JSON.parse(await this.#text("status"));
  }

  async #text(path: string): Promise<string> {
    return (await fetch(`${this.#url}${path}`)).text();
  }

  async #metric(code: ReasonCode): Promise<number> {
    const text = await this.#text("metrics");
    return Number(new RegExp(`^wazuh_dfn_health_reason\\{code="${code}"\\} (\\d)$`, "m").exec(text)?.[1]);
  }

  /** What analysisd got about the forwarder itself. */
  #events(): { integration: string; dfn: { status?: string; code?: string; subject?: string } }[] {
    const own = /^1:dfn:(\{.*\})$/;
    return this.#queue.received.flatMap((message) => {
      const [, json] = own.exec(message.toString()) ?? [];
      return json === undefined ? [] : [JSON.parse(json)];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#page[Symbol.asyncDispose]();
    await this.world[Symbol.asyncDispose]();
    this.#queue[Symbol.dispose]();
  }
}

test("a Kafka that is stopped is seen everywhere, and so is its return", async () => {
  await using watched = await Watched.start();
  watched.world.writeLog(alertLine(1_700_000_001));
  await kafka.recordsReach("acme", 1);
  await watched.isWell();
  await kafka.stopBroker(1, "SIGKILL");
  watched.world.writeLog(alertLine(1_700_000_002));
  await watched.shows("kafka-unreachable", "Kafka");
  await kafka.startBroker(1);
  await watched.isOver("kafka-unreachable");
  await watched.isOverInLog("kafka-unreachable");
  await watched.isWell();
});

test("a topic that does not exist is seen everywhere, until it is created", async () => {
  const topic = "not-made-yet";
  await using watched = await Watched.start({ dfn: { customer_id: topic } });
  watched.world.writeLog(alertLine(1_700_000_001));
  await watched.shows("topic-missing", `topic ${topic}`);
  await kafka.createTopic(topic, { partitions: 1 });
  await watched.isOver("topic-missing");
  await watched.isOverInLog("topic-missing");
  await kafka.recordsReach(topic, 1);
  await watched.isWell();
});

test("an alerts.json that is gone is seen everywhere, until it is back", async () => {
  await using watched = await Watched.start();
  await watched.isWell();
  const { alertsJson } = watched.world;
  renameSync(alertsJson, `${alertsJson}.away`);
  await watched.shows("log-missing", "log");
  renameSync(`${alertsJson}.away`, alertsJson);
  await watched.isOver("log-missing");
  await watched.isOverInLog("log-missing");
  await watched.isWell();
});

test("a client certificate that ends in three days is seen everywhere, until it is renewed", async () => {
  const [cert, key] = [directory.join("client.pem"), directory.join("client.key")];
  const take = (name: string): void => {
    copyFileSync(pki.path(`${name}.key`), key);
    copyFileSync(pki.path(`${name}.pem`), cert);
  };
  take("ending");
  const tls = { ca: pki.path("ca.pem"), cert, key };
  await using watched = await Watched.start({ sink: { kafka: { brokers: kafka.addressesOf("MUTUAL"), tls } } });
  await watched.shows("certificate-expiring", `certificate ${cert}`);
  take("renewed");
  await watched.isOver("certificate-expiring");
  await watched.isWell();
});

const skip = mayMount ? false : "only root may mount a small file system";

test("a full disk below the state directory is seen everywhere, until there is room", { skip }, async () => {
  await using disk = await SmallDisk.mount(4 * 1024 * 1024);
  await using watched = await Watched.start({ state_dir: disk.join("state") });
  await watched.isWell();
  await disk.fillUpTo(0);
  // The first moves the position, the second is a dead letter.
  watched.world.writeLog(alertLine(1_700_000_001), `${alertLine(1_700_000_002).slice(0, -1)},}`);
  await watched.shows("checkpoint-disk-full", "checkpoint");
  await watched.shows("dead-letters-disk-full", "dead-letter store");
  await disk.free();
  for (const code of ["checkpoint-disk-full", "dead-letters-disk-full"] as const) {
    await watched.isOver(code);
    await watched.isOverInLog(code);
  }
});
