import type { LookupAddress } from "node:dns";
import { connect as connectPlain, isIP, type LookupFunction, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { describe } from "../../../errors.ts";
import { parseBrokerAddress, type BrokerAddress } from "./broker-address.ts";
import { ByteReader } from "../protocol/byte-reader.ts";
import { monotonicMs } from "../../../clock.ts";
import { KafkaError, kafkaCodes } from "../protocol/errors.ts";
import { resetOnClose } from "../../../os/reset-on-close.ts";
import { FrameReader } from "./frame-reader.ts";
import {
  apiKeys,
  InnerConnectionClass,
  lookup,
  requests,
  type InnerConnection,
  type InnerLogger,
  type InnerProtocol,
  type InnerVersions,
} from "../protocol/kafkajs-inner.ts";
import { systemNames, type Names } from "./names.ts";
import type { KafkaOptions } from "./options.ts";
import { saslExchange } from "./sasl.ts";

/**
 * A connection that takes longer to establish, once the broker's name is resolved, is given up: a lost first packet is
 * sent again after 1 s only.
 */
const reachWithinMs = 2500;
/** Bound for everything between the look-up of the name and the first request: TCP, TLS, versions, authentication. */
const openWithinMs = 10_000;
const keepAliveMs = 30_000;
/** No answer to our requests is larger; what looks larger is not Kafka (e.g. TLS on a plain connection). */
const maxAnswerBytes = 64 * 1024 * 1024;
/** The same before both sides have proved who they are: versions and authentication take a few hundred bytes. */
const maxHandshakeBytes = 1024 * 1024;
/** A broker that asks for more stall timeout in one answer does not get it: by default its quotas know windows of 11 s. */
const maxThrottleMs = 60_000;
/** The produce request that this forwarder encodes; every Kafka since 2.1 takes it, 4.x included. */
export const produceVersion = 7;
const metadataVersion = 7;

/** kafkajs's own log is dropped: every fault comes back as an error and is described here. */
const noLog: InnerLogger = {
  namespace: () => noLog,
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
};

export interface ConnectionSettings {
  readonly options: KafkaOptions;
  /** TLS options as they are now (files may have been replaced), or undefined for an unencrypted connection. */
  readonly tls: () => ConnectionOptions | undefined;
  /** Where the names of brokers are resolved; the process's own if it is not given. */
  readonly names?: Names;
  /** A broker throttles the client for this many milliseconds, because of a quota. */
  readonly onThrottle?: (durationMs: number) => void;
  /** A request of this kind was answered after so many milliseconds. */
  readonly onAnswer?: ((api: string, tookMs: number) => void) | undefined;
}

/**
 * One connection to one broker, used once: open, then closed for good. So everything that was sent over it either has
 * an answer or has failed, and what is sent later goes over another connection. Requests are written in the order of
 * the calls and answered in that order.
 */
export class BrokerConnection {
  readonly address: string;
  /** Resolves when requests may be sent; rejects when the connection could not be made. */
  readonly opened: Promise<void>;
  readonly #target: BrokerAddress;
  readonly #settings: ConnectionSettings;
  readonly #inner: InnerConnection;
  #socket: Socket | undefined;
  #addresses: readonly LookupAddress[] = [];
  #waitsFor = "its name to be resolved";
  #versions: InnerVersions = {};
  #state: "opening" | "open" | "closed" = "opening";
  #closedBy: Error | undefined;
  #unanswered = 0;
  /** When the last answer came, or the oldest request without one went out after a rest; on the monotonic clock. */
  #heardAt = 0;
  /** Until when the broker reads nothing from this connection, because of a quota; on the monotonic clock. */
  #throttledUntil = 0;
  #isEndedByPeer = false;
  readonly #onClosed: ((reason: Error) => void)[] = [];

  constructor(address: string, settings: ConnectionSettings) {
    const { options } = settings;
    this.address = address;
    this.#target = parseBrokerAddress(address);
    this.#settings = settings;
    this.#inner = new InnerConnectionClass({
      ...this.#target,
      logger: noLog,
      socketFactory: ({ onConnect }) => this.#makeSocket(onConnect),
      requestTimeout: options.requestTimeoutMs,
      // kafkajs measures it on the machine's clock, which may be set back: `send` does it.
      enforceRequestTimeout: false,
      connectionTimeout: openWithinMs,
      clientId: options.clientId,
      sasl: options.sasl === undefined ? null : saslExchange(options.sasl),
    });
    this.#checkFrames();
    this.opened = this.#open();
    this.opened.catch(() => {}); // Whoever waits for it has it; the reason is kept in #closedBy too.
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Whether it was open, and the other side or something in between ended it without an error. */
  get isEndedByPeer(): boolean {
    return this.#isEndedByPeer;
  }

  /** What a connection that is being made waits for, in words that go behind "waits for"; undefined for others. */
  get waitsFor(): string | undefined {
    return this.#state === "opening" ? this.#waitsFor : undefined;
  }

  /** For how long requests have been waiting without any answer coming in; 0 if none waits. Milliseconds. */
  get silentMs(): number {
    if (this.#unanswered === 0 || this.isClosed) return 0;
    return Math.max(0, monotonicMs() - Math.max(this.#heardAt, this.#throttledUntil));
  }

  /** For how long the broker will not read what is sent, because of a quota; milliseconds. */
  get throttledMs(): number {
    return this.isClosed ? 0 : Math.max(0, this.#throttledUntil - monotonicMs());
  }

  /**
   * Takes the throttle time out of an answer. The broker leaves the connection unread for that time (KIP-219), so what
   * is sent meanwhile waits, and its silence says nothing about it.
   * @returns the time that counts, milliseconds
   */
  throttle(durationMs: number): number {
    if (durationMs <= 0) return 0;
    const bounded = Math.min(durationMs, maxThrottleMs);
    this.#throttledUntil = Math.max(this.#throttledUntil, monotonicMs() + bounded);
    this.#settings.onThrottle?.(bounded);
    return bounded;
  }

  /** The listener is called once, when the connection is closed, by whichever side. */
  onClosed(listener: (reason: Error) => void): void {
    this.#onClosed.push(listener);
  }

  /** Ends the connection at once; requests without an answer fail with `reason`. */
  close(reason: Error): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#closedBy = reason;
    this.#inner.rejectRequests(reason);
    // kafkajs counts a closing connection as open for a moment; what slipped in then is failed afterwards.
    setImmediate(() => this.#inner.rejectRequests(reason));
    this.#inner.disconnect().catch(() => {}); // Nothing is pending and the socket is destroyed: it cannot matter.
    this.#socket?.destroy(reason);
    for (const listener of this.#onClosed.splice(0)) listener(reason);
  }

  /**
   * Sends a request and resolves with the decoded answer. Any failure of a request but an error code inside its answer
   * closes the connection, because the answers behind it can no longer be distinguished from silence.
   */
  async send<T>(protocol: InnerProtocol, decode: (payload: Buffer, apiVersion: number) => Promise<T> | T): Promise<T> {
    if (this.#state === "closed") throw this.#closedBy ?? new Error("closed");
    const { request } = protocol;
    const { requestTimeoutMs } = this.#settings.options;
    const sentAt = monotonicMs();
    let deadline: NodeJS.Timeout | undefined;
    const giveUpInTime = (): void => {
      const leftMs = Math.max(sentAt, this.#throttledUntil) + requestTimeoutMs - monotonicMs();
      if (leftMs > 0) deadline = setTimeout(giveUpInTime, Math.ceil(leftMs));
      else this.close(new Error(`${this.address} has not answered ${request.apiName} in ${requestTimeoutMs / 1000} s`));
    };
    giveUpInTime();
    if (this.#unanswered++ === 0) this.#heardAt = monotonicMs();
    try {
      const answer = await this.#inner.send<T>({
        request,
        response: {
          decode: async (payload) => decode(payload, request.apiVersion),
          parse: async (decoded) => decoded,
        },
      });
      this.#settings.onAnswer?.(request.apiName, monotonicMs() - sentAt);
      return answer;
    } catch (reason) {
      const error = reason instanceof Error ? reason : new Error(String(reason));
      this.close(error);
      throw error;
    } finally {
      clearTimeout(deadline);
      this.#unanswered -= 1;
      this.#heardAt = monotonicMs();
    }
  }

  /** The newest form of a request that the broker speaks. */
  protocol(api: "Fetch" | "ListOffsets" | "Metadata" | "InitProducerId", args: object): InnerProtocol {
    const found = lookup(this.#versions)(apiKeys[api], requests[api])(args);
    // kafkajs knows metadata up to version 6. The question of version 7 is the same; its answer has leader epochs.
    const isNewer = api === "Metadata" && (this.#versions[apiKeys.Metadata]?.maxVersion ?? 0) >= metadataVersion;
    return isNewer ? { ...found, request: { ...found.request, apiVersion: metadataVersion } } : found;
  }

  /**
   * Puts a check in front of kafkajs's reader, which is called from the socket's event: what it throws there would end
   * the process, and it throws for a length below 4 (a telnet server's first bytes are enough). Only whole frames with
   * a possible length reach it, and whatever is thrown ends this connection alone.
   */
  #checkFrames(): void {
    const frames = new FrameReader(() => (this.isOpen ? maxAnswerBytes : maxHandshakeBytes));
    const take = this.#inner.processData.bind(this.#inner);
    this.#inner.processData = (chunk) => {
      if (this.isClosed) return;
      try {
        for (const frame of frames.push(chunk)) take(frame);
      } catch (cause) {
        const text = `${this.address} does not speak Kafka's protocol here (TLS on one side only?)`;
        this.close(new Error(text, { cause }));
      }
    };
  }

  async #open(): Promise<void> {
    let deadline: NodeJS.Timeout | undefined;
    // kafkajs leaves some ways of a connection's end unanswered while it connects; closing must end the wait.
    const closed = new Promise<never>((_resolve, reject) => this.onClosed(reject));
    closed.catch(() => {}); // Only the race below waits for it.
    try {
      const names = this.#settings.names ?? systemNames;
      this.#addresses = await Promise.race([closed, names.resolve(this.#target.host)]);
      deadline = setTimeout(
        () => this.close(new Error(`no answer from ${this.address} within ${openWithinMs / 1000} s of connecting`)),
        openWithinMs,
      );
      await Promise.race([closed, this.#handshake()]);
      this.#state = "open";
    } catch (reason) {
      const error = reason instanceof Error ? reason : new Error(String(reason));
      this.close(error);
      throw error;
    } finally {
      clearTimeout(deadline);
    }
  }

  async #handshake(): Promise<void> {
    this.#waitsFor = "a connection";
    await this.#inner.connect();
    this.#waitsFor = "its answer";
    if (this.#socket !== undefined) resetOnClose(this.#socket);
    this.#versions = await this.#askVersions();
    const produce = this.#versions[apiKeys.Produce];
    if (produce === undefined || produce.minVersion > produceVersion || produce.maxVersion < produceVersion) {
      throw new KafkaError(35, `${this.address} does not accept produce requests of version ${produceVersion}`);
    }
    this.#inner.setVersions(this.#versions);
    this.#inner.setSupportAuthenticationProtocol(this.#versions[apiKeys.SaslAuthenticate] !== undefined);
    await this.#inner.authenticate();
  }

  /** Versions per API. Version 0 of the question is understood by every Kafka. */
  async #askVersions(): Promise<InnerVersions> {
    const { request } = requests.ApiVersions.protocol({ version: 0 })();
    const answer = await this.#inner.send({
      request,
      response: { decode: async (payload) => decodeVersions(payload), parse: async (decoded) => decoded },
    });
    if (answer.code !== kafkaCodes.NONE) throw new KafkaError(answer.code, `${this.address}, versions`);
    return answer.versions;
  }

  /** Gives the addresses that were resolved to whoever makes the socket. */
  readonly #lookUp: LookupFunction = (_host, { all }, done) => {
    const [first] = this.#addresses;
    if (all === true) done(null, [...this.#addresses]);
    else done(null, first?.address ?? "", first?.family);
  };

  #makeSocket(onConnect: () => void): Socket {
    const { host, port } = this.#target;
    if (this.#socket !== undefined) throw new Error("the connection was opened before");
    const tls = this.#settings.tls();
    const place = { host, port, lookup: this.#lookUp };
    const socket =
      tls === undefined
        ? connectPlain(place, onConnect)
        : connectTls({ ...place, ...(isIP(host) === 0 ? { servername: host } : {}), ...tls }, onConnect);
    this.#socket = socket;
    socket.setKeepAlive(true, keepAliveMs);
    socket.setNoDelay(true);
    const reach = setTimeout(() => {
      if (socket.connecting)
        this.close(new Error(`${this.address} cannot be reached: no answer within ${reachWithinMs} ms`));
    }, reachWithinMs);
    socket.once("connect", () => clearTimeout(reach));
    const ended = (): void => void (this.#isEndedByPeer ||= this.isOpen);
    let cause: Error | undefined;
    socket.once("end", ended);
    socket.once("error", (error) => {
      ended();
      cause = error;
      // A name with several addresses: the error has a reason for each, and no text of its own, which kafkajs passes on.
      if (error instanceof AggregateError && error.message === "")
        error.message = error.errors.map(describe).join("; ");
    });
    socket.once("close", () => {
      clearTimeout(reach);
      ended();
      this.close(new Error(`the connection to ${this.address} was closed`, { cause }));
    });
    return socket;
  }
}

function decodeVersions(payload: Buffer): { readonly code: number; readonly versions: InnerVersions } {
  const reader = new ByteReader(payload);
  const code = reader.int16();
  const ranges = reader.array(6, () => {
    const apiKey = reader.int16();
    return [apiKey, { minVersion: reader.int16(), maxVersion: reader.int16() }] as const;
  });
  return { code, versions: Object.fromEntries(ranges) };
}
