import { setTimeout as pause } from "node:timers/promises";
import type { Config } from "../config/schema.ts";
import { Pairing } from "../pairing/pairing.ts";
import type { Shipment } from "../delivery/shipment.ts";
import type { DeadLetterStore } from "../dead-letters/store.ts";
import { PairingWindow } from "../pairing/pairing-window.ts";
import { OffsetRefresher } from "../delivery/offset-refresher.ts";
import { SinkOffsets } from "../delivery/sink-offsets.ts";
import { TopicGate } from "../delivery/topic-gate.ts";
import { describe } from "../errors.ts";
import { hasOffsetOf, type Sink } from "../contract.ts";
import { Tail } from "../sources/tail/tail.ts";
import type { Metrics } from "../status/metrics.ts";
import { loadWindow, removeWindow, saveWindow } from "../pairing/window-file.ts";
import { readNodeIdentity } from "../wazuh/node.ts";
import { Manifests } from "./manifests.ts";
import type { LatencyMeter } from "../telemetry/latency.ts";
import type { Log } from "../telemetry/log.ts";
import type { Tap } from "../delivery/tap.ts";
import type { EventWatch } from "../delivery/event-watch.ts";
import type { SocketWatch } from "../telemetry/socket-watch.ts";
import { Feedback } from "../wazuh/feedback.ts";
import { carryOver, type ForwarderCounters } from "./counters.ts";
import { aheadOf, restoreWindow } from "./socket-ahead.ts";
import { createCore, openDeadLetters, type Core } from "./core.ts";
import type { DeadLetterEvents } from "./dead-letter-events.ts";
import { createSink, type SinkFacts } from "../sink-kinds/registry.ts";
import type { KafkaTelemetry } from "../sinks/kafka/connection/telemetry.ts";
import { hasPushSource, openPushSources, type PushSource } from "./push-sources.ts";
import { PipelineIntake } from "./tail-intake.ts";

/** How long a stop waits for what is under way; with saving and closing it stays within five seconds. */
const drainMs = 4000;
/** How long the socket waits for the tail's place in the log; finding it inside a large archive may take longer. */
const placedMs = 200;
/** How often it is looked whether the tail is at the end of the log, before settings are taken over that leave it. */
const lookEveryMs = 50;
/** How long records wait for the checkpoint that has a new name, or a new topic; a disk that hangs holds nothing up. */
const keptWithinMs = 2000;
/** A stop waits for this long, or for what is left of its time, until its manifest is in the topic. */
const lastManifestMs = 500;
/** How often a new topic is asked for its end, and the time between. After that its records are sent without knowing it. */
const asksForEnd = 4;
const askAgainMs = 1000;

interface ForwarderSetup {
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly counters: ForwarderCounters;
  readonly latency: LatencyMeter;
  readonly metrics: Metrics;
  readonly socketWatch: SocketWatch;
  readonly eventWatch: EventWatch;
  readonly deadLetterNews: DeadLetterEvents;
  readonly tap: Tap;
  /** Of the program. */
  readonly version: string;
}

/**
 * The forwarder from start to stop: sources, pipeline, sink, state. Stopping has two levels: drain (read nothing more,
 * wait for what is under way, save), then abort (let the rest go; it is read again at the next start).
 */
export class Forwarder {
  readonly setup: ForwarderSetup;
  readonly sink: Sink;
  /** The sink as it is at this moment. */
  readonly sinkState: () => SinkFacts;
  readonly deadLetters: DeadLetterStore;
  readonly feedback: Feedback;
  readonly #offsets: SinkOffsets | undefined;
  readonly #gate: TopicGate | undefined;
  /** Undefined unless manifests are published. */
  readonly manifests: Manifests | undefined;
  readonly pairing: Pairing<Shipment> | undefined;
  readonly core: Core;
  readonly #intake: PipelineIntake;
  readonly #drain = new AbortController();
  #tail: Tail | undefined;
  #current: Promise<void> = Promise.resolve();
  /** Those that are open. */
  readonly #push: PushSource[] = [];
  #starting: Promise<void> = Promise.resolve();

  /** @throws DfnError CONFIG when the sink cannot work with these settings */
  constructor(setup: ForwarderSetup) {
    const { config, env, log, counters, latency, metrics } = setup;
    this.setup = setup;
    const telemetry: KafkaTelemetry = {
      acknowledged: (records, bytes, latencyMs, uncompressedBytes) => {
        latency.add(latencyMs);
        metrics.acknowledged(latencyMs, { records, bytes, uncompressedBytes });
      },
      answered: (api, tookMs) => metrics.answered(api, tookMs),
      failed: (error) => metrics.failed(error),
      retried: () => metrics.retried(),
      refused: () => undefined,
      disconnected: (address, reason) => {
        metrics.disconnected();
        log.debug({ code: "kafka-disconnected", address, reason }, "a connection to Kafka ended");
      },
    };
    const { sink, state } = createSink(config.sink, { env, log, telemetry });
    this.sink = sink;
    this.sinkState = () => state(latency.summary());
    this.deadLetters = openDeadLetters(config, log);
    this.feedback = new Feedback({ queue: config.wazuh.queue, mode: config.wazuh.feedback, log });
    const { tail } = config.sources;
    this.#offsets = tail === undefined ? undefined : new SinkOffsets();
    this.#gate = tail === undefined ? undefined : new TopicGate((topic) => this.#noteEnd(topic));
    this.manifests = this.#createManifests();
    this.pairing = hasPushSource(config)
      ? new Pairing<Shipment>(new PairingWindow(), { socketOnly: tail === undefined })
      : undefined;
    this.core = createCore({
      config,
      sink: this.sink,
      deadLetters: setup.tap.reporting(setup.deadLetterNews.reporting(this.deadLetters, log, this.feedback)),
      counters,
      pairing: this.pairing,
      offsets: this.#offsets,
      gate: this.#gate,
      account: this.manifests?.proof.account,
      feedback: this.feedback,
      eventWatch: setup.eventWatch,
      tap: setup.tap,
      times: metrics.deliveryTimes,
      differs: (id) => setup.socketWatch.contradicted(id, log),
      named: () => this.#keepName(),
    });
    const { shipper } = this.core;
    const parts = { ...this.core, counters: setup.counters.tail, tap: setup.tap };
    this.#intake = new PipelineIntake(parts, () => this.#caughtUp());
    this.manifests?.proof.askAt(
      () => aheadOf(shipper.ahead, this.pairing),
      () => this.#offsets?.next ?? {},
    );
  }

  get tail(): Tail | undefined {
    return this.#tail;
  }

  /**
   * Takes up work and returns; Kafka may be away. `failed` is called when a source ends by itself.
   * @throws DfnError when the socket cannot be bound; everything is let go again then
   */
  async start(failed: (reason: unknown) => void): Promise<void> {
    try {
      await this.#begin(failed);
    } catch (reason) {
      await this.stop();
      throw reason;
    }
  }

  async #begin(failed: (reason: unknown) => void): Promise<void> {
    const { config, log } = this.setup;
    const window = this.pairing === undefined ? undefined : await loadWindow(config.stateDir, log);
    let since = {};
    let nodes: ReadonlySet<string> | undefined;
    if (config.sources.tail !== undefined) {
      const tail = new Tail({
        ...config.sources.tail,
        stateDir: config.stateDir,
        intake: this.#intake,
        log,
        sinkOffsets: (front) => this.#offsets?.low(front) ?? {},
        nodes: () => this.core.node.names,
        onRotation: () => this.setup.metrics.rotated(),
        onEnd: (isWhole) => this.#intake.reachedEnd(isWhole),
        proof: this.manifests?.proof,
      });
      this.#tail = tail;
      const resumed = await tail.load();
      since = resumed.sink;
      nodes = this.core.node.restore(resumed.nodes);
      await this.manifests?.resume(resumed.proof);
      if (this.manifests !== undefined) {
        this.core.account?.resume(this.manifests.proof);
        // What was known stays known if this process is killed before its look-up is over.
        this.#offsets?.seed(this.manifests.proof.formerNext);
      }
      restoreWindow(
        { pairing: this.pairing, core: this.core, proof: this.manifests?.proof },
        window,
        resumed.lastSecond,
      );
    } else this.pairing?.restore(window, -1);
    this.#offsets?.hold(since);
    this.sink.open();
    this.#starting = this.#lookUp(since, nodes);
    this.#starting.catch((reason: unknown) => {
      if (!this.#drain.signal.aborted) failed(reason); // A stop cuts the look-up short; the next start makes it again.
    });
    void this.manifests?.start(since, this.#drain.signal);
    if (this.#tail !== undefined) {
      this.#current = this.#tail.run(this.#drain.signal);
      this.#current.catch(failed);
      // Whoever finds the socket open may write to the log at once and rely on being read.
      await within(this.#tail.placed, placedMs);
    }
    const { core, setup } = this;
    for await (const source of openPushSources({ ...setup, core })) this.#push.push(source);
  }

  /**
   * Whether other settings read another log, or none: what is under way is then not read again.
   */
  leavesLog({ sources: { tail } }: Config): boolean {
    const { tail: present } = this.setup.config.sources;
    return present !== undefined && present.path !== tail?.path;
  }

  /**
   * Resolves when the log was read to its end and what it held has its outcome, as far as it was written before the call;
   * goes on as ever meanwhile. To be called before settings are taken over that leave this log.
   */
  async delivered({ sources }: Config): Promise<void> {
    const tail = this.#tail;
    if (tail === undefined) return;
    // What custom-dfn cannot hand over from now on it tries again, so that it comes after the change.
    if (sources.tail === undefined) await this.#announceTail(false);
    const steps = tail.steps;
    // Two: the present one may have looked already. What cannot be read does not hold the change up.
    const isRead = (): boolean => tail.steps >= steps + 2 && tail.status()?.state !== "catching-up";
    while (!this.#drain.signal.aborted && !isRead()) await pause(lookEveryMs);
    await this.core.shipper.soFar();
  }

  /** What `delivered` was called for does not happen. */
  async stays(): Promise<void> {
    if (this.#tail !== undefined) await this.#announceTail(true);
  }

  async #announceTail(isOn: boolean): Promise<void> {
    try {
      for (const source of this.#push) await source.announceTail(isOn);
    } catch (reason) {
      const what =
        "custom-dfn cannot be informed whether alerts.json is read; it may give up alerts while settings change";
      this.setup.log.warn({ code: "custom-dfn-not-informed", reason: describe(reason) }, what);
    }
  }

  /**
   * Stops: at most about five seconds, whatever the state of Kafka. What has no outcome by then is read again.
   * @param isFinal false if other settings take over in this process
   * @returns whether everything has its outcome
   */
  async stop(isFinal = true): Promise<boolean> {
    const { log, config } = this.setup;
    const drainUntil = performance.now() + drainMs;
    this.#drain.abort();
    for (const source of this.#push) source.drain();
    await this.#current.catch(() => undefined); // What ended it was reported to `failed`.
    this.core.shipper.releaseAllHeld();
    this.core.outbox.flush();
    await within(this.core.shipper.idle(), drainUntil - performance.now());
    // Before the position is saved: what is durable then is not read, and stored, again.
    await this.deadLetters[Symbol.asyncDispose]();
    const isDone = this.core.shipper.open === 0;
    this.core.shipper.dispose();
    this.core.outbox.dispose();
    try {
      if (this.pairing !== undefined) await saveWindow(config.stateDir, this.pairing.save());
    } catch (reason) {
      const what = "the pairing window cannot be saved; an alert that both sources brought may be sent twice";
      log.error({ code: "pairing-window-not-saved", reason: describe(reason) }, what);
    }
    await this.manifests?.finish(isFinal);
    await this.#tail?.save();
    if (this.manifests !== undefined) await this.#publishLast(this.manifests, drainUntil);
    const readAgain = this.#tail?.readAgain;
    if (!isDone)
      log.warn(
        { code: "stopped-with-open-alerts" },
        "stopped before everything was acknowledged; the rest is read again at the next start",
      );
    for (const source of this.#push.splice(0)) await source[Symbol.asyncDispose]();
    await this.sink[Symbol.asyncDispose]();
    await this.#starting.catch(() => undefined); // The look-up ends when the sink is disposed.
    await this.#tail?.[Symbol.asyncDispose]();
    await this.feedback[Symbol.asyncDispose]();
    carryOver(this.setup.counters, readAgain?.ignored);
    return isDone;
  }

  #createManifests(): Manifests | undefined {
    const { config, log, version } = this.setup;
    const offsets = this.#offsets;
    if (config.manifest === undefined || offsets === undefined) return undefined;
    const node = readNodeIdentity(config.wazuh.home).name;
    return new Manifests(config.manifest.topic, { config, sink: this.sink, offsets, node, version, log });
  }

  /** The manifest of a stop is on disk; it is sent now if that takes no time, else at the next start. */
  async #publishLast(manifests: Manifests, drainUntil: number): Promise<void> {
    await within(manifests.idle(), Math.max(lastManifestMs, drainUntil - performance.now()));
    await this.#tail?.save();
    manifests.dispose();
  }

  async #lookUp(since: Readonly<Record<string, number>>, nodes: ReadonlySet<string> | undefined): Promise<void> {
    const { log } = this.setup;
    const keeps = this.manifests === undefined ? undefined : "values";
    const lookup = await this.sink.lookup(this.core.topics, since, nodes, keeps);
    const found = lookup.shipped?.size ?? 0;
    if (found > 0)
      log.info(
        { code: "lookup-found-alerts", alerts: found },
        "found alerts in the sink that were sent before the last stop",
      );
    if (lookup.shipped === undefined) {
      const what = "the topic cannot be read: after a crash, alerts that were under way are sent twice";
      log.warn(
        { code: "lookup-refused", reason: lookup.refusal },
        `${what}; give this principal Read on the topic to prevent it`,
      );
    } else if (lookup.refusal !== undefined) {
      const what = "not all of what was sent before the last stop could be read: some alerts may be sent twice";
      log.warn({ code: "lookup-incomplete", reason: lookup.refusal }, what);
    }
    this.core.account?.lookedUp(lookup.values);
    // A crash right after the first record must find where to look: the offsets are on disk before it is sent.
    this.#offsets?.seed(lookup.next);
    await this.#tail?.save();
    this.#gate?.open(this.core.topics.filter((topic) => hasOffsetOf(lookup.next, topic)));
    this.core.shipper.begin(lookup);
    this.#intake.lookedUp();
    if (this.#offsets !== undefined) new OffsetRefresher(this.core, this.#offsets, this.sink).run(this.#drain.signal);
  }

  /** A topic appeared after the look-up: see `TopicGate`. @returns false if a stop came first */
  async #noteEnd(topic: string): Promise<boolean> {
    try {
      await this.#saveEnd(topic);
      return true;
    } catch (reason) {
      // The sink was disposed, or the wait cut short; what has no outcome is read again at the next start.
      if (this.#drain.signal.aborted) return false;
      throw reason;
    }
  }

  async #saveEnd(topic: string): Promise<void> {
    for (let asked = 0; asked < asksForEnd; asked++) {
      if (asked > 0) await pause(askAgainMs, undefined, { signal: this.#drain.signal });
      const { next } = await this.sink.lookup([topic], {});
      if (!hasOffsetOf(next, topic)) continue;
      this.#offsets?.seed(next);
      if (this.#tail !== undefined) await within(this.#tail.save(), keptWithinMs);
      return;
    }
    this.setup.log.warn(
      { code: "topic-end-unknown", topic },
      "the sink does not say where this new topic ends; if the forwarder is killed within the next seconds, alerts are sent twice",
    );
  }

  /** A look-up counts the records of the names in the checkpoint, so a name has to be there before the first record. */
  #keepName(): void {
    if (this.#tail !== undefined) this.core.shipper.holdFor(within(this.#tail.save(), keptWithinMs));
  }

  #caughtUp(): void {
    this.#offsets?.release();
    void removeWindow(this.setup.config.stateDir).catch((reason: unknown) => {
      this.setup.log.warn(
        { code: "pairing-window-not-removed", reason: describe(reason) },
        "the saved pairing window cannot be removed",
      );
    });
  }
}

/** Whether the promise was fulfilled in time. */
async function within(promise: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
