import type { EncodedRecords } from "../../../contract.ts";
import { Acknowledged, shorterEnd, type LostRecords } from "./acknowledged.ts";
import { Backoff } from "../connection/backoff.ts";
import { monotonicMs } from "../../../clock.ts";
import type { BrokerConnection } from "../connection/connection.ts";
import { SealedBatch, PendingWrite } from "./sealed-batch.ts";
import { classifyCode, classifyError, KafkaError, type ClassifiedError, kafkaCodes } from "../protocol/errors.ts";
import { forgottenAfterMs, isForgotten, recover, RefusalStreak, settleForgotten, type Recovery } from "./recovery.ts";
import { purposeOfOwn } from "./request-limit.ts";
import { sequenceAfter } from "../protocol/record-batch.ts";
import { fetchOffset, newProducerId, produce, type ProduceAnswer } from "../connection/requests.ts";
import type { SenderContext } from "./sender-context.ts";

/** A problem that should pass by itself is reported once it has lasted for this long. */
const reportAfterMs = 5000;
/** A list of partitions that stays too short for this long, while nobody who should know answers, is believed. */
const believeAfterMs = 60_000;
/** The last epoch of a producer id. */
const maxEpoch = 32_767;

/** The time of sending over one connection. */
interface Flow {
  readonly connection: BrokerConnection;
  /** Where the records go: the sender's partition, while the topic has it. */
  readonly partition: number;
  /** The connection carries nothing else, because the batch at the head may be what connections end at. */
  readonly isAlone: boolean;
  /** Ends it; true when a batch failed. */
  readonly done: (isFailed: boolean) => void;
  isFailed: boolean;
}

/**
 * Sends the batches of one partition, in order, and sends them again until each record has an outcome.
 *
 *     idle ──write──> preparing ──leader, connection, producer id──> flowing ──nothing left──> idle
 *                        ^  ^                                           │
 *                        │  └────────── failed: wait ──────┐            │ a batch failed: send no more
 *                        │                                 │            v
 *                        └──────────── recovering <──all answered── draining
 *
 * The sender has a producer id of its own, so a reset concerns this partition alone. While flowing, up to
 * `maxInFlight` batches are in flight over one connection. After a start, a failure, new numbers or a long rest one batch
 * goes alone: a broker that does not know the producer, or has forgotten it, takes any sequence number as its first, so a
 * second one could overtake a first one that failed. For the same reason batches that may be in the log since long ago
 * are looked up there before they are sent again.
 */
export class PartitionSender {
  readonly topic: string;
  readonly partition: number;
  readonly #context: SenderContext;
  readonly #backoff = new Backoff();
  readonly #streak = new RefusalStreak();
  /** Without an outcome, in the order of `write`. Those in flight are the first `#inFlight` ones. */
  #entries: SealedBatch[] = [];
  #inFlight = 0;
  #flow: Flow | undefined;
  #isRunning = false;
  #isProven = false;
  /** When a batch was last acknowledged, on the monotonic clock. */
  #acknowledgedAt = 0;
  /** The partition that is written to: the sender's own, while the topic has it. */
  #target: number;
  /** Who led it when it was last written to. */
  #leader: string | undefined;
  /** Since when the topic is said to have fewer partitions, on the monotonic clock. */
  #missingSince: number | undefined;
  #producer: { readonly producerId: bigint; readonly epoch: number } | undefined;
  #sequence = 0;
  /** A number before the next one will not come, because its record was given up. */
  #hasHole = false;
  /** No record of ours that is yet to be appended can be before this offset. */
  #end: number | undefined;
  #troubledSince: number | undefined;
  readonly #acknowledged: Acknowledged;
  /** The connection over which the leader was asked whether it has all that was acknowledged. */
  #comparedOver: { readonly connection: BrokerConnection; readonly partition: number } | undefined;

  constructor(topic: string, partition: number, context: SenderContext) {
    this.topic = topic;
    this.partition = partition;
    this.#target = partition;
    this.#context = context;
    this.#acknowledged = new Acknowledged(`${topic}/${partition}`);
  }

  /** Batches without an outcome. */
  get waiting(): number {
    return this.#entries.length;
  }

  /** Accepts a batch; resolves as `Sink.write` says. */
  write(records: EncodedRecords): PendingWrite["result"] {
    const pendingWrite = new PendingWrite(records.count);
    if (records.count === 0) return pendingWrite.result;
    this.#entries.push(this.#watch(new SealedBatch(pendingWrite, records, this.#context.options.compression)));
    if (!this.#isRunning) {
      this.#isRunning = true;
      void this.#run();
    }
    return pendingWrite.result;
  }

  /** Ends all waiting with `reason`; the outcome of what was sent is unknown. */
  abort(reason: Error): void {
    for (const { pendingWrite } of this.#entries.splice(0)) pendingWrite.fail(reason);
    this.#pump();
  }

  #watch(entry: SealedBatch): SealedBatch {
    void entry.sealed.then(() => this.#pump());
    return entry;
  }

  async #run(): Promise<void> {
    const { signal } = this.#context;
    this.#returnToOwn();
    while (this.#entries.length > 0 && !signal.aborted) {
      try {
        const { connection, partition, isAlone } = await this.#prepare();
        if (this.#entries.some((entry) => isForgotten(entry, this.#context))) {
          const before = [...this.#entries];
          this.#apply(before, await settleForgotten(this.topic, partition, before, this.#context));
          continue;
        }
        const isFailed = await new Promise<boolean>((done) => {
          this.#flow = { connection, partition, isAlone, done, isFailed: false };
          this.#pump();
        });
        if (isAlone) connection.close(new Error("the connection has served its purpose"));
        if (isFailed) await this.#recover(partition);
      } catch (reason) {
        if (signal.aborted) break;
        const fault = classifyError(reason);
        this.#context.conditions.count(fault);
        this.#report(fault);
        if (fault.isStale) await this.#context.metadataCache.refresh();
        await this.#backoff.wait(signal).catch(() => {}); // Disposed: the loop ends by its condition.
      }
    }
    this.#isRunning = false;
    // Nothing waits any more, even if a look-up or a refusal gave the last outcome.
    if (!signal.aborted) this.#clearAlarms();
  }

  /** A partition that was gone may be there again. Only while nothing is in flight to the other one. */
  #returnToOwn(): void {
    if (this.#target === this.partition) return;
    if ((this.#context.metadataCache.partitions(this.topic) ?? 0) <= this.partition) return;
    this.#target = this.partition;
    this.#leader = undefined;
    this.#end = undefined;
  }

  #clearAlarms(): void {
    const { conditions } = this.#context;
    this.#troubledSince = undefined;
    conditions.clear(`writing to topic ${this.topic}`);
    conditions.clear(`partition ${this.topic}/${this.partition}`);
  }

  /** Finds the leader, connects to it, and gets a producer id if there is none. */
  async #prepare(): Promise<Pick<Flow, "connection" | "partition" | "isAlone">> {
    const { metadataCache, pool } = this.#context;
    if (metadataCache.leader(this.topic, this.#target) === undefined) await metadataCache.refresh();
    const code = metadataCache.codeOf(this.topic);
    if (code !== undefined && code !== kafkaCodes.NONE) throw new KafkaError(code, this.topic);
    const address = await this.#findLeader();
    const partition = this.#target;
    const isAlone = this.#isHeadSuspect;
    const connection = await pool.connection(address, isAlone ? purposeOfOwn(this.topic, partition) : "send");
    this.#leader = address;
    await this.#compare(connection, partition);
    this.#end ??= await fetchOffset(connection, this.topic, partition, "next");
    this.#producer ??= await newProducerId(connection);
    // So long ago that the broker may have forgotten the producer.
    if (monotonicMs() - this.#acknowledgedAt >= forgottenAfterMs(this.#context)) this.#isProven = false;
    return { connection, partition, isAlone };
  }

  /** Asks a leader that is new, or back, whether it has all that was acknowledged. */
  async #compare(connection: BrokerConnection, partition: number): Promise<void> {
    if (connection === this.#comparedOver?.connection) return;
    if (partition !== this.#comparedOver?.partition) this.#acknowledged.forget();
    const { end } = this.#acknowledged;
    const logEnd = end === undefined ? undefined : await shorterEnd(connection, this.topic, partition, end);
    if (logEnd !== undefined) {
      this.#mourn(this.#acknowledged.compare(logEnd));
      this.#end = Math.min(this.#end ?? logEnd, logEnd);
      for (const entry of this.#entries) entry.floor = Math.min(entry.floor ?? logEnd, logEnd);
    }
    this.#comparedOver = { connection, partition };
  }

  #mourn(loss: LostRecords | undefined): void {
    if (loss !== undefined)
      this.#context.conditions.lose(`records of ${this.topic}/${this.#target}`, loss.text, loss.remedy);
  }

  get #isHeadSuspect(): boolean {
    const [head] = this.#entries;
    return head !== undefined && this.#context.limit.isSuspect(head);
  }

  /**
   * The leader of the partition that is written to. A partition that is gone, because the topic was created again with
   * fewer, is replaced by another one. A list of partitions that lacks it does not prove that, since it may be an old
   * one: what its former leader says counts.
   */
  async #findLeader(): Promise<string> {
    const { metadataCache } = this.#context;
    const count = metadataCache.partitions(this.topic);
    if (count === undefined || this.#target < count) {
      this.#missingSince = undefined;
      const address = metadataCache.leader(this.topic, this.#target);
      if (address === undefined) throw new KafkaError(kafkaCodes.LEADER_NOT_AVAILABLE, `${this.topic}/${this.#target}`);
      return address;
    }
    this.#missingSince ??= monotonicMs();
    const former = this.#leader;
    const word = former === undefined ? "none" : await this.#wordOf(former);
    if (former !== undefined && word === "leads it") return former;
    const isBelieved = word === "none" && monotonicMs() - this.#missingSince >= believeAfterMs;
    if (word !== "gone" && !isBelieved) {
      throw new KafkaError(
        kafkaCodes.LEADER_NOT_AVAILABLE,
        `${this.topic}/${this.#target} is not in the newest list of partitions`,
      );
    }
    this.#missingSince = undefined;
    this.#leader = undefined;
    this.#target = this.partition % count;
    // Its offsets begin at 0.
    this.#end = 0;
    for (const entry of this.#entries) entry.floor = 0;
    return this.#findLeader();
  }

  /** What a broker that led the partition says about it; none if it cannot be asked. */
  async #wordOf(address: string): Promise<"leads it" | "knows it" | "gone" | "none"> {
    try {
      const connection = await this.#context.pool.connection(address);
      await fetchOffset(connection, this.topic, this.#target, "next");
      return "leads it";
    } catch (reason) {
      if (!(reason instanceof KafkaError)) return "none";
      return reason.code === kafkaCodes.UNKNOWN_TOPIC_OR_PARTITION ? "gone" : "knows it";
    }
  }

  /** Sends what may be sent, and ends the flow when nothing is left to do in it. */
  #pump(): void {
    const flow = this.#flow;
    if (flow === undefined) return;
    const { limit, options } = this.#context;
    const window = this.#isProven && !flow.isAlone ? options.maxInFlight : 1;
    while (!flow.isFailed && this.#inFlight < window) {
      const entry = this.#entries[this.#inFlight];
      if (entry?.batch === undefined || limit.isSuspect(entry) !== flow.isAlone) break;
      void this.#send(flow, entry, entry.batch);
    }
    const isMisplaced = this.#entries[0]?.batch !== undefined && this.#isHeadSuspect !== flow.isAlone;
    if (this.#inFlight === 0 && (flow.isFailed || isMisplaced || this.#entries.length === 0)) {
      this.#flow = undefined;
      flow.done(flow.isFailed);
    }
  }

  async #send(flow: Flow, entry: SealedBatch, batch: Buffer): Promise<void> {
    if (entry.number === undefined && this.#producer !== undefined) {
      entry.stamp({ ...this.#producer, sequence: this.#sequence });
      entry.isDisplaced = this.#hasHole;
      this.#sequence = sequenceAfter(this.#sequence, entry.count);
    }
    entry.floor ??= this.#end;
    entry.wentBehind = this.#inFlight > 0;
    this.#inFlight += 1;
    let answer: ProduceAnswer | ClassifiedError;
    try {
      // The broker gives up a little before this side does, so that its answer is received.
      const timeoutMs = Math.ceil(this.#context.options.requestTimeoutMs * 0.8);
      answer = await produce(flow.connection, this.topic, flow.partition, batch, timeoutMs);
    } catch (reason) {
      answer = classifyError(reason);
      const { connection, isAlone } = flow;
      if (connection.isEndedByPeer && !entry.wentBehind) {
        const loss = { topic: this.topic, partition: flow.partition, entry, address: connection.address, isAlone };
        answer = (await this.#context.limit.judge(loss, this.#context.pool)) ?? answer;
      }
    }
    this.#inFlight -= 1;
    const fault = "code" in answer ? (answer.code === kafkaCodes.NONE ? undefined : classifyCode(answer.code)) : answer;
    if (fault === undefined || fault.kind === "duplicate") {
      this.#acknowledge(entry, batch.length, "code" in answer ? answer.baseOffset : -1);
    } else {
      entry.fault = fault;
      entry.mayBeAppended ||= fault.mayBeAppended;
      flow.isFailed = true;
    }
    this.#pump();
  }

  /** @param baseOffset -1 if the broker no longer knows it: the lowest possible offset is used instead */
  #acknowledge(entry: SealedBatch, bytes: number, baseOffset: number): void {
    const { telemetry, conditions } = this.#context;
    const at = this.#entries.indexOf(entry);
    if (at < 0) return; // Disposed meanwhile; the caller knows that the outcome is unknown.
    this.#entries.splice(at, 1);
    const base = baseOffset >= 0 ? baseOffset : (entry.floor ?? 0);
    if (baseOffset >= 0) {
      const next = baseOffset + entry.count;
      // Lower than what was acknowledged before it was first sent: its offset was another record's.
      if (baseOffset < (entry.floor ?? 0)) this.#mourn(this.#acknowledged.compare(baseOffset));
      this.#acknowledged.add(baseOffset, entry);
      // Before the lowest possible offset: the topic was created again, and its offsets began at 0.
      this.#end = baseOffset < (entry.floor ?? 0) ? next : Math.max(this.#end ?? 0, next);
    }
    if (entry.isDisplaced) {
      // The broker did not wait for the free number: it knew nothing of this producer, and continues from here.
      this.#hasHole = false;
      for (const other of this.#entries) other.isDisplaced = false;
    }
    this.#isProven = true;
    this.#context.limit.taken(entry);
    this.#acknowledgedAt = monotonicMs();
    this.#streak.taken();
    this.#backoff.reset();
    this.#clearAlarms();
    // It proves that Kafka and the topic are there, whatever became of the last question about leaders.
    conditions.reached();
    conditions.clear(`topic ${this.topic}`);
    telemetry.acknowledged(entry.count, bytes, entry.pendingWrite.ageMs, entry.uncompressedBytes);
    entry.acknowledge(base);
    this.#context.onProgress();
  }

  /** All are answered and some failed: decides what becomes of them, then waits a moment. */
  async #recover(partition: number): Promise<void> {
    const { conditions, metadataCache, telemetry, signal, onProgress } = this.#context;
    this.#isProven = false;
    const faults = this.#entries.flatMap(({ fault }) => (fault === undefined ? [] : [fault]));
    for (const fault of faults) {
      telemetry.retried(this.topic, fault.text);
      conditions.count(fault);
    }
    const worst = faults.find(({ category }) => category !== "none") ?? faults[0];
    if (worst?.kind === "retry") this.#report(worst);
    if (faults.some(({ isStale }) => isStale)) await metadataCache.refresh();
    // A topic that does not exist may be created again, and its offsets then begin at 0.
    if (faults.some(({ category }) => category === "topic-missing")) {
      this.#end = 0;
      this.#acknowledged.forget();
      for (const entry of this.#entries) entry.floor = 0;
    }
    const before = [...this.#entries];
    const recovery = await recover(this.topic, partition, before, this.#context, this.#streak);
    if (recovery.fault !== undefined) this.#report(recovery.fault);
    this.#apply(before, recovery);
    if (recovery.isProgress) onProgress();
    else await this.#backoff.wait(signal);
  }

  /** Puts what was decided about the first batches in their place. */
  #apply(before: readonly SealedBatch[], { entries, numbering, hasHole = false }: Recovery): void {
    this.#context.signal.throwIfAborted();
    for (const entry of entries) {
      entry.fault = undefined;
      if (numbering !== "kept") entry.number = undefined;
      if (!before.includes(entry)) this.#watch(entry);
    }
    // The batches that were written meanwhile follow.
    this.#entries = [...entries, ...this.#entries.slice(before.length)];
    if (numbering === "kept") {
      this.#hasHole ||= hasHole;
      return;
    }
    this.#hasHole = false;
    this.#isProven = false;
    this.#sequence = 0;
    const { producerId, epoch } = this.#producer ?? { producerId: 0n, epoch: maxEpoch };
    this.#producer = numbering === "epoch" && epoch < maxEpoch ? { producerId, epoch: epoch + 1 } : undefined;
  }

  #report(fault: ClassifiedError): void {
    const { conditions, log, metadataCache } = this.#context;
    this.#troubledSince ??= monotonicMs();
    log.debug({ code: "batch-failed" }, `${this.topic}/${this.partition}: ${fault.text}`);
    // What is wrong with the topic itself is reported where its metadata are read.
    const isSaid = (metadataCache.codeOf(this.topic) ?? kafkaCodes.NONE) !== kafkaCodes.NONE;
    if (fault.category !== "none" && fault.category !== "unreachable") {
      if (!isSaid) conditions.raise(`writing to topic ${this.topic}`, fault);
    } else if (monotonicMs() - this.#troubledSince >= reportAfterMs) {
      conditions.raise(`partition ${this.topic}/${this.partition}`, fault);
    }
  }
}
