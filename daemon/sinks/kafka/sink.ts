import { setMaxListeners } from "node:events";
import type { Batch, BatchOutcome, Lookup, Sink, OffsetsByPartition } from "../../contract.ts";
import type { Log } from "../../telemetry/log.ts";
import { parseBrokerAddress } from "./connection/broker-address.ts";
import { KafkaConditions } from "./connection/conditions.ts";
import { monotonicMs, timeOfDayMs } from "../../clock.ts";
import { ConnectionPool } from "./connection/connection-pool.ts";
import { assertAvailable } from "./protocol/compression.ts";
import { BrokerConnection, type ConnectionSettings } from "./connection/connection.ts";
import { classifyError, KafkaError } from "./protocol/errors.ts";
import type { RecordSearch, TopicSearch } from "../../records/record-search.ts";
import type { RecordReading, TopicExtent, UnreadRecords } from "../../records/record-reading.ts";
import { findRecords } from "./producer/find-records.ts";
import { extentsOf, readStretches } from "./producer/read-records.ts";
import { lookUp } from "./producer/lookup.ts";
import { LookupWaits } from "./producer/lookup-waits.ts";
import type { KafkaOptions } from "./connection/options.ts";
import { PartitionSender } from "./producer/partition-sender.ts";
import { plaintextWarning } from "./connection/plaintext.ts";
import { RequestLimit } from "./producer/request-limit.ts";
import type { SenderContext } from "./producer/sender-context.ts";
import { noTelemetry, type KafkaPartition, type KafkaStatus, type KafkaTelemetry } from "./connection/telemetry.ts";
import { inspectTls } from "./tls/inspection.ts";
import { TlsFiles } from "./tls/tls.ts";
import { MetadataCache } from "./connection/metadata-cache.ts";
import { fetchTopicSettings, type TopicSettings } from "./topic-settings.ts";
import { runWatchdog } from "./connection/watchdog.ts";

/** Replaced certificates are noticed within this time; problems with them within twice this time. */
const certificatesEveryMs = 2500;
/** Problems with them, present or coming, are logged this often. */
const inspectEveryMs = 86_400_000;
/** More than anybody looks at. */
const maxPartitionsShown = 100;

interface KafkaSinkSetup {
  readonly options: KafkaOptions;
  readonly log: Log;
  readonly telemetry?: KafkaTelemetry;
}

/**
 * Kafka, by a producer of our own: a batch is encoded, compressed and numbered once, and sent as the same bytes until
 * the broker acknowledges it on behalf of all in-sync replicas, or refuses a record of it for a reason that no retry can help.
 */
export class KafkaSink implements Sink {
  readonly maxInFlight: number;
  readonly #stop = new AbortController();
  readonly #options: KafkaOptions;
  readonly #log: Log;
  readonly #tls: TlsFiles | undefined;
  readonly #settings: ConnectionSettings;
  readonly #conditions: KafkaConditions;
  readonly #pool: ConnectionPool;
  readonly #metadataCache: MetadataCache;
  readonly #waits = new LookupWaits();
  readonly #context: SenderContext;
  readonly #senders = new Map<string, PartitionSender>();
  readonly #timers: NodeJS.Timeout[] = [];
  #isPlaintextSaid = false;
  #lastAcknowledgedAt: number | undefined;
  #throttledMs = 0;
  /** When something last got an outcome, or began to wait for one; on the monotonic clock. */
  #progressAt = 0;

  /** @throws DfnError CONFIG for settings that cannot work: addresses, certificates, a codec that is missing */
  constructor({ options, log, telemetry = noTelemetry }: KafkaSinkSetup) {
    // Each partition that waits for something is a listener.
    setMaxListeners(0, this.#stop.signal);
    for (const broker of options.brokers) parseBrokerAddress(broker);
    assertAvailable(options.compression);
    this.maxInFlight = Math.min(Math.max(options.maxInFlight, 1), 5);
    this.#options = options;
    this.#log = log;
    this.#tls = options.tls === undefined ? undefined : new TlsFiles(options.tls);
    this.#settings = {
      options,
      tls: () => this.#tls?.current,
      onThrottle: (durationMs) => (this.#throttledMs += durationMs),
      onAnswer: (api, tookMs) => telemetry.answered?.(api, tookMs),
    };
    this.#conditions = new KafkaConditions(log, undefined, (error) => telemetry.failed?.(error));
    this.#pool = new ConnectionPool(this.#settings, telemetry, (address) => this.#warnOfPlaintext([address]));
    this.#metadataCache = new MetadataCache(this.#pool, options.brokers, this.#conditions, this.#stop.signal);
    this.#context = {
      options: { ...options, maxInFlight: this.maxInFlight },
      pool: this.#pool,
      metadataCache: this.#metadataCache,
      conditions: this.#conditions,
      log,
      limit: new RequestLimit(),
      waits: this.#waits,
      signal: this.#stop.signal,
      telemetry: {
        ...telemetry,
        acknowledged: (...batch) => {
          this.#lastAcknowledgedAt = timeOfDayMs();
          telemetry.acknowledged(...batch);
        },
      },
      onProgress: () => (this.#progressAt = monotonicMs()),
    };
  }

  /** Connections are made with the first topic that is asked about or written to. */
  open(): void {
    if (this.#timers.length > 0 || this.#stop.signal.aborted) return;
    this.#timers.push(setInterval(() => this.#checkProgress(), this.#options.requestTimeoutMs / 2));
    if (this.#tls !== undefined) {
      this.#inspectCertificates();
      this.#timers.push(setInterval(() => this.#checkCertificates(), certificatesEveryMs));
      this.#timers.push(setInterval(() => this.#inspectCertificates(), inspectEveryMs));
    } else this.#warnOfPlaintext(this.#options.brokers);
    for (const timer of this.#timers) timer.unref();
    const tools = {
      connections: () => this.#pool.openConnections,
      probe: (address: string) => this.#probe(address),
      refresh: () => this.#metadataCache.refresh(),
      leads: (address: string) => this.#metadataCache.leads(address),
    };
    void runWatchdog(tools, this.#stop.signal);
  }

  partitions(topic: string): number | undefined {
    if (!this.#stop.signal.aborted) this.#metadataCache.track(topic);
    return this.#metadataCache.partitions(topic);
  }

  onChange(listener: () => void): void {
    this.#metadataCache.onChange(listener);
  }

  async write(batch: Batch): Promise<BatchOutcome> {
    this.#stop.signal.throwIfAborted();
    if (this.#waiting === 0) this.#progressAt = monotonicMs();
    const { topic, partition } = batch;
    this.#metadataCache.track(topic);
    const name = `${topic}/${partition}`;
    let sender = this.#senders.get(name);
    if (sender === undefined) {
      sender = new PartitionSender(topic, partition, this.#context);
      this.#senders.set(name, sender);
    }
    return sender.write(batch);
  }

  async lookup(
    topics: readonly string[],
    since: OffsetsByPartition,
    nodes?: ReadonlySet<string>,
    keeps?: "values",
  ): Promise<Lookup> {
    return lookUp(topics, since, nodes, this.#context, keeps);
  }

  /** Finds records that are in the topics; see `findRecords`. */
  find(search: RecordSearch): Promise<readonly TopicSearch[]> {
    return findRecords(search, this.#context);
  }

  /** Where topics begin and end; see `extentsOf`. */
  extents(topics: readonly string[], signal: AbortSignal): Promise<readonly TopicExtent[]> {
    return extentsOf(topics, signal, this.#context);
  }

  /** Reads what is in the topics; see `readStretches`. */
  read(reading: RecordReading): Promise<readonly UnreadRecords[]> {
    return readStretches(reading, this.#context);
  }

  /**
   * What is set for a topic. Asked on a connection of its own: a broker that does not know the request ends it.
   * @throws KafkaError 29 without the permission DescribeConfigs; else what the last broker failed with
   */
  async topicSettings(topic: string): Promise<TopicSettings> {
    let failure: unknown;
    for (const address of this.#options.brokers) {
      this.#stop.signal.throwIfAborted();
      const connection = new BrokerConnection(address, this.#settings);
      try {
        await connection.opened;
        return await fetchTopicSettings(connection, topic);
      } catch (reason) {
        if (reason instanceof KafkaError) throw reason;
        failure = reason;
      } finally {
        connection.close(new Error("the settings were read"));
      }
    }
    throw failure;
  }

  status(): KafkaStatus {
    const connected = [...new Set(this.#pool.openConnections.map(({ address }) => address))];
    const last = this.#conditions.last;
    return {
      isConnected: connected.length > 0,
      connected,
      waitingBatches: this.#waiting,
      partitions: this.#partitions(),
      throttledMs: this.#throttledMs,
      lastAcknowledgedAt: this.#lastAcknowledgedAt,
      lookups: this.#waits.all,
      troubles: [...this.#conditions.lasting, ...this.#waits.troubles],
      losses: this.#conditions.losses,
      lastError: last === undefined ? undefined : { text: `${last.subject}: ${last.text}`, since: last.since },
    };
  }

  /** Ends everything at once; writes without an outcome reject, and whether they were appended is unknown. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const reason = new DOMException("the Kafka sink was closed", "AbortError");
    for (const timer of this.#timers) clearInterval(timer);
    this.#stop.abort(reason);
    for (const sender of this.#senders.values()) sender.abort(reason);
    this.#pool.close(reason);
    // The sockets are destroyed by then.
    await new Promise((resolve) => setImmediate(resolve));
  }

  #partitions(): readonly KafkaPartition[] {
    const all = [...this.#senders.values()].map(({ topic, partition, waiting }) => ({
      topic,
      partition,
      leader: this.#metadataCache.leader(topic, partition),
      waitingBatches: waiting,
    }));
    if (all.length > 1) all.sort((a, b) => b.waitingBatches - a.waitingBatches || a.partition - b.partition);
    return all.slice(0, maxPartitionsShown);
  }

  get #waiting(): number {
    let count = 0;
    for (const sender of this.#senders.values()) count += sender.waiting;
    return count;
  }

  /** Work waits and nothing has moved for twice a request's time: whatever hangs, new connections are the way out. */
  #checkProgress(): void {
    // A broker that throttles us because of a quota continues by itself.
    if (this.#pool.isThrottled) this.#progressAt = monotonicMs();
    const limitMs = 2 * this.#options.requestTimeoutMs;
    if (this.#waiting === 0 || monotonicMs() - this.#progressAt < limitMs) return;
    this.#progressAt = monotonicMs();
    this.#log.warn(
      { code: "kafka-connections-replaced" },
      `Kafka: no batch got through for ${limitMs / 1000} s; all connections are being replaced`,
    );
    this.#pool.reset(new Error("no progress"));
  }

  #checkCertificates(): void {
    if (this.#tls === undefined) return;
    const change = this.#tls.reload();
    if (change === undefined) return;
    if (change.error !== undefined) {
      this.#log.error(
        { code: "certificates-not-replaced" },
        `${change.error.message}. The previous certificates stay in use`,
      );
      return;
    }
    this.#log.info(
      { code: "certificates-replaced" },
      "sink.kafka.tls: the certificates were replaced; connections are replaced to use them",
    );
    this.#pool.reset(new Error("certificates were replaced"));
    this.#inspectCertificates();
  }

  /** Logged once, for the first broker outside this machine that alerts go to without TLS; Kafka may name others than the settings do. */
  #warnOfPlaintext(brokers: readonly string[]): void {
    const message = this.#options.tls === undefined && !this.#isPlaintextSaid ? plaintextWarning(brokers) : undefined;
    if (message === undefined) return;
    this.#isPlaintextSaid = true;
    this.#log.warn({ code: "kafka-without-tls" }, `Kafka: ${message}`);
  }

  /** Certificates grow old while the forwarder runs. */
  #inspectCertificates(): void {
    if (this.#options.tls === undefined) return;
    for (const { severity, message } of inspectTls(this.#options.tls)) {
      if (severity === "error") this.#log.error({ code: "certificate-fault" }, message);
      else this.#log.warn({ code: "certificate-warning" }, message);
    }
  }

  async #probe(address: string): Promise<void> {
    const connection = new BrokerConnection(address, this.#settings);
    const end = (): void => connection.close(new Error("the probe is over"));
    this.#stop.signal.addEventListener("abort", end);
    try {
      await connection.opened;
    } catch (reason) {
      // A broker that refuses us can be reached.
      if (classifyError(reason).category === "unreachable") throw reason;
    } finally {
      this.#stop.signal.removeEventListener("abort", end);
      end();
    }
  }
}
