import { dirname } from "node:path";
import type { Config } from "../config/schema.ts";
import { statusSocketOf } from "../config/status-address.ts";
import { HealthEvents } from "../supervision/health-events.ts";
import { HealthLog } from "../supervision/health-log.ts";
import { Supervisor } from "../supervision/supervisor.ts";
import { createCounters } from "../forwarder/counters.ts";
import { DeadLetterEvents } from "../forwarder/dead-letter-events.ts";
import { Forwarder } from "../forwarder/forwarder.ts";
import { filesOfPushSources } from "../forwarder/push-sources.ts";
import { logStatistics } from "../forwarder/statistics.ts";
import { sinkDefinition } from "../sink-kinds/registry.ts";
import { factsOf, watchedBy } from "../forwarder/snapshot.ts";
import { deadLetterDirectory } from "../dead-letters/store.ts";
import { removeLeftovers } from "../disk/atomic-file.ts";
import { describe, DfnError } from "../errors.ts";
import { DegradedFile, wasDegraded } from "../state/degraded-file.ts";
import { lockStateDir } from "../os/state-lock.ts";
import { become, ownerOfStateDir } from "../state/owner.ts";
import { accessExpiries, loadStatusAccess, openAccess, type StatusAccess } from "../status/access.ts";
import type { CertificateExpiry } from "../status/certificates.ts";
import { Metrics } from "../status/metrics.ts";
import { type StatusPlace, StatusService } from "../status/service.ts";
import { SystemMetricsWatch } from "../status/system-metrics.ts";
import { LatencyMeter } from "../telemetry/latency.ts";
import { createLog } from "../telemetry/log.ts";
import { RateMeter } from "../telemetry/rates.ts";
import { Tap } from "../delivery/tap.ts";
import { EventWatch } from "../delivery/event-watch.ts";
import { SocketWatch } from "../telemetry/socket-watch.ts";
import { configOptions, configOptionsHelp, loadConfig, parseCommandLine, type Command } from "./command.ts";
import { keepMemorySmall } from "./memory.ts";
import { productVersion } from "./version.ts";

export const run: Command = {
  name: "run",
  summary: "ships relevant alerts to Kafka, in the foreground",
  usage: `Ships relevant alerts to Kafka until a signal stops it. Logs to standard error.

Usage: wazuh-dfn run [--config FILE] [--set NAME=VALUE]...

${configOptionsHelp}
Signals:
  SIGTERM, SIGINT     stop reading, finish what is in flight (up to 5 s), save, exit with 0
  SIGHUP              apply changed settings; if they are wrong, the old ones stay in effect
`,
  async run(args, io) {
    const { values } = parseCommandLine(run, args, configOptions);
    const first = loadConfig(values, io);
    keepMemorySmall();
    using socketWatch = new SocketWatch();
    using deadLetterNews = new DeadLetterEvents();
    const process = {
      env: io.env,
      counters: createCounters(),
      latency: new LatencyMeter(),
      metrics: new Metrics(),
      socketWatch,
      eventWatch: new EventWatch(),
      tap: new Tap(),
      deadLetterNews,
    };
    const rates = new RateMeter(performance.now());
    using signals = new Signals();
    const stopsOnFailure = (reason: unknown): void => signals.fail(reason);
    const accesses = new StatusAccesses();
    const build = (config: Config): Forwarder => {
      accesses.load(config);
      return new Forwarder({ ...process, config, log: createLog(config.log.level) });
    };
    // Reads keys and passwords, which perhaps only root may do; does not touch the state.
    let running = build(first);
    becomeOwnerFor(running);
    await using _lock = await lockStateDir(first.stateDir, running.setup.log);
    await removeLeftovers(first.stateDir);
    await removeLeftovers(deadLetterDirectory(first.stateDir));
    let isReady = false;
    const surroundings = new SystemMetricsWatch(
      () => watchedBy(running),
      () => performance.now(),
    );
    using supervisor = new Supervisor(io.env, createLog(first.log.level));
    const wasDegradedBefore = await wasDegraded(first.stateDir, running.setup.log);
    const degraded = new DegradedFile(first.stateDir, running.setup.log, wasDegradedBefore);
    const news = new HealthEvents({
      report: (event) => running.feedback.status(event),
      remember: (isDegraded) => void degraded.set(isDegraded),
      wasDegraded: wasDegradedBefore,
    });
    const healthLog = new HealthLog(() => running.setup.log);
    await using status = new StatusService({
      facts: () =>
        factsOf(running, {
          version: productVersion,
          isReady,
          surroundings: surroundings.current,
          statusCertificates: accesses.expiriesOf(running.setup.config),
        }),
      refresh: () => surroundings.refresh(),
      metrics: process.metrics,
      tap: process.tap,
      looked: (snapshot) => {
        supervisor.look(snapshot, running.tail?.steps);
        news.look(snapshot.health, performance.now());
        healthLog.look(snapshot.health, performance.now());
        // Health depends on it even while nobody asks.
        void surroundings.refresh();
      },
    });
    await status.serve(accesses.placesOf(first), running.setup.log);
    await running.start(stopsOnFailure);
    for (;;) {
      const { config, log } = running.setup;
      isReady = true;
      await supervisor.ready();
      log.info({ code: "started", version: productVersion, stateDir: config.stateDir }, "started");
      const statistics = { ...process, forwarder: running, rates, log };
      const timer = everyMs(config.log.statisticsMs, () => logStatistics("statistics", statistics));
      const next = await nextForwarder(signals, running, () => build(loadConfig(values, io)), supervisor);
      clearInterval(timer);
      isReady = false;
      if (next === undefined) log.info({ code: "stopping" }, "stopping");
      else log.info({ code: "settings-applied" }, "applying the changed settings");
      if (next === undefined) await supervisor.stopping();
      const isDone = await running.stop();
      logStatistics("figures so far", statistics);
      signals.throwIfFailed();
      if (next === undefined) return 0;
      if (isDone || !running.leavesLog(next.setup.config)) {
        running = await startOrReturn(next, () => build(config), stopsOnFailure);
      } else {
        // The sink stopped answering just then: only the old settings read the rest.
        await next.sink[Symbol.asyncDispose]();
        running = build(config);
        await running.start(stopsOnFailure);
        signals.raise("SIGHUP");
      }
      await status.serve(accesses.placesOf(running.setup.config), running.setup.log);
    }
  },
};

/** Continues as the owner of the state directory if root started this; see `daemon/state/owner.ts`. */
function becomeOwnerFor({ setup: { config, log } }: Forwarder): void {
  const { status, sink, stateDir } = config;
  const owner = ownerOfStateDir(stateDir, { isWritten: true });
  if (owner === undefined) return;
  const paths = [
    ...filesOfPushSources(config),
    ...(status.listen.kind === "unix" ? [status.listen.path] : []),
    ...sinkDefinition(sink).writtenFiles(sink),
  ];
  become(owner, paths.map(dirname));
  log.info(
    { code: "started-by-root", ...owner, stateDir },
    "started by root, continues as the owner of the state directory",
  );
}

/**
 * Who may ask for the status, by the settings that say so. Certificates and tokens are read once for each reading of the
 * settings: at start while root's rights are there, and before anything is changed.
 */
class StatusAccesses {
  readonly #loaded = new WeakMap<Config, StatusAccess>();

  /** @throws DfnError CONFIG for a file that cannot be read or used */
  load(config: Config): void {
    if (!this.#loaded.has(config)) this.#loaded.set(config, loadStatusAccess(config.status));
  }

  expiriesOf(config: Config): readonly CertificateExpiry[] {
    return accessExpiries(this.#loaded.get(config) ?? openAccess, Date.now());
  }

  /** On a port, the Unix socket is there too: for the commands, and for contents of alerts. */
  placesOf(config: Config): StatusPlace[] {
    const { listen } = config.status;
    const socket = { address: statusSocketOf(config), access: openAccess };
    const access = this.#loaded.get(config);
    return listen.kind === "unix" || access === undefined ? [socket] : [socket, { address: listen, access }];
  }
}

/** Waits for the end (undefined) or for good new settings; bad ones are reported and the old ones stay. */
async function nextForwarder(
  signals: Signals,
  running: Forwarder,
  build: () => Forwarder,
  supervisor: Supervisor,
): Promise<Forwarder | undefined> {
  const { config, log } = running.setup;
  while ((await signals.next()) === "SIGHUP") {
    await supervisor.reloading();
    try {
      const next = build();
      if (next.setup.config.stateDir !== config.stateDir) {
        throw new DfnError("CONFIG", "state_dir cannot be changed while the forwarder runs: restart it");
      }
      if (!running.leavesLog(next.setup.config) || (await isDelivered(running, next, signals, supervisor))) return next;
      await next.sink[Symbol.asyncDispose]();
    } catch (reason) {
      log.error(
        { code: "settings-refused", reason: describe(reason) },
        "the changed settings are wrong and were not applied; the old ones stay in effect",
      );
      await supervisor.ready();
    }
  }
  return undefined;
}

/** Waits until everything in the log is delivered. False if a signal came first. */
async function isDelivered(
  running: Forwarder,
  { setup: { config } }: Forwarder,
  signals: Signals,
  supervisor: Supervisor,
): Promise<boolean> {
  const { log, config: present } = running.setup;
  log.info(
    { code: "settings-wait", path: present.sources.tail?.path },
    "this file is no longer in the settings: the changed settings are applied once everything in it is delivered; " +
      "until then the old ones stay in effect",
  );
  await supervisor.ready();
  const isDone = await signals.unlessRaised(running.delivered(config));
  if (isDone) await supervisor.reloading();
  else await running.stays();
  return isDone;
}

/** Starts the next forwarder; if it cannot start, one with the previous settings. */
async function startOrReturn(
  next: Forwarder,
  former: () => Forwarder,
  failed: (reason: unknown) => void,
): Promise<Forwarder> {
  try {
    await next.start(failed);
    return next;
  } catch (reason) {
    next.setup.log.error(
      { code: "settings-not-started", reason: describe(reason) },
      "cannot start with the changed settings; the old ones stay in effect",
    );
    const again = former();
    await again.start(failed);
    return again;
  }
}

function everyMs(periodMs: number, action: () => void): NodeJS.Timeout | undefined {
  return periodMs > 0 ? setInterval(action, periodMs) : undefined;
}

type Raised = "SIGTERM" | "SIGINT" | "SIGHUP" | "failure";

/** The signals that arrived, in order; they are handled one at a time. */
class Signals implements Disposable {
  readonly #raised: Raised[] = [];
  #wake: (() => void) | undefined;
  #failure: { readonly reason: unknown } | undefined;
  readonly #handlers = (["SIGTERM", "SIGINT", "SIGHUP"] as const).map((name) => {
    const handler = (): void => this.raise(name);
    process.on(name, handler);
    return { name, handler };
  });

  /** A part of the forwarder ended by itself: the process ends too. */
  fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.raise("failure");
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  raise(what: Raised): void {
    this.#raised.push(what);
    this.#wake?.();
  }

  /** Whether a promise is fulfilled before a signal arrives; the signal is left for `next`. */
  async unlessRaised(done: Promise<void>): Promise<boolean> {
    const raised = new Promise<false>((resolve) => (this.#wake = () => resolve(false)));
    if (this.#raised.length > 0) return false;
    return Promise.race([done.then(() => true), raised]);
  }

  async next(): Promise<Raised> {
    for (;;) {
      const raised = this.#raised.shift();
      if (raised !== undefined) return raised;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  [Symbol.dispose](): void {
    for (const { name, handler } of this.#handlers) process.off(name, handler);
  }
}
