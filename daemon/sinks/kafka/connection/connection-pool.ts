import { describe } from "../../../errors.ts";
import { monotonicMs } from "../../../clock.ts";
import { BrokerConnection, type ConnectionSettings } from "./connection.ts";
import { classifyError } from "../protocol/errors.ts";
import type { KafkaTelemetry } from "./telemetry.ts";

/** After a connection failed, the same address is not tried again for this time, doubling up to the second number. */
const restMs = { first: 50, longest: 1000 };
/**
 * The same after credentials were refused, for the address as a whole, unless they were replaced: brokers and the
 * directories behind them log each failure and lock accounts out.
 */
const refusedRestMs = { first: 1000, longest: 60_000 };

/**
 * What a connection is for. Looking things up has one of its own, so that it does not hold up the sending; metadata get
 * one while a quota keeps the broker from reading the others; and a batch at which connections end has one, so that it
 * does not end that of other partitions.
 */
export type Purpose = "send" | "lookup" | "metadata" | `alone ${string}`;

interface Place {
  connection: BrokerConnection | undefined;
  failures: number;
  /** Milliseconds on the monotonic clock before which no new attempt is made, and why. */
  restUntil: number;
  lastError: Error | undefined;
  /** What the newest attempt was made with. */
  password: string | undefined;
}

interface RefusedAttempt {
  readonly password: string | undefined;
  readonly error: Error;
  readonly failures: number;
  /** On the monotonic clock. */
  readonly restUntil: number;
}

/**
 * The open connections, one for each address and purpose, shared by all partitions. A closed one is replaced by a new
 * one when it is next asked for.
 */
export class ConnectionPool {
  readonly #settings: ConnectionSettings;
  readonly #telemetry: KafkaTelemetry;
  readonly #connecting: (address: string) => void;
  readonly #places = new Map<string, Place>();
  /** Addresses that refused our credentials. */
  readonly #refusals = new Map<string, RefusedAttempt>();
  #isClosed = false;

  /** @param connecting called with each address that a connection is about to be made to */
  constructor(settings: ConnectionSettings, telemetry: KafkaTelemetry, connecting: (address: string) => void) {
    this.#settings = settings;
    this.#telemetry = telemetry;
    this.#connecting = connecting;
  }

  /** An open connection to this address. @throws what kept it from being made */
  async connection(address: string, purpose: Purpose = "send"): Promise<BrokerConnection> {
    if (this.#isClosed) throw new Error("the sink was closed");
    const key = `${purpose} ${address}`;
    const place = this.#places.get(key) ?? {
      connection: undefined,
      failures: 0,
      restUntil: 0,
      lastError: undefined,
      password: undefined,
    };
    this.#places.set(key, place);
    if (place.connection === undefined || place.connection.isClosed) {
      if (monotonicMs() < place.restUntil && place.lastError !== undefined) throw place.lastError;
      const refusal = this.#refusals.get(address);
      place.password = this.#password();
      const isTried = refusal !== undefined && refusal.password === place.password;
      if (isTried && monotonicMs() < refusal.restUntil) {
        throw refusal.error;
      }
      this.#connecting(address);
      place.connection = new BrokerConnection(address, this.#settings);
      place.connection.onClosed((reason) => this.#telemetry.disconnected(address, describe(reason)));
    }
    const { connection } = place;
    try {
      await connection.opened;
    } catch (reason) {
      if (place.connection === connection) this.#failed(place, address, reason);
      throw reason;
    }
    this.#refusals.delete(address);
    place.failures = 0;
    place.restUntil = 0;
    return connection;
  }

  get openConnections(): readonly BrokerConnection[] {
    return [...this.#places.values()].flatMap(({ connection }) => (connection?.isOpen === true ? [connection] : []));
  }

  /** Connections that are being made, each with what it waits for. */
  get waits(): readonly string[] {
    const opening = [...this.#places.values()].flatMap(({ connection }) =>
      connection?.waitsFor === undefined ? [] : [`${connection.address} waits for ${connection.waitsFor}`],
    );
    return [...new Set(opening)];
  }

  /** Whether a quota holds back what is sent over any connection. */
  get isThrottled(): boolean {
    return this.openConnections.some(({ throttledMs }) => throttledMs > 0);
  }

  /** Ends all connections; whoever needs one gets a new one. */
  reset(reason: Error): void {
    const places = [...this.#places.values()];
    this.#places.clear();
    for (const { connection } of places) connection?.close(reason);
  }

  /** Ends all connections for good. */
  close(reason: Error): void {
    this.#isClosed = true;
    this.reset(reason);
  }

  #failed(place: Place, address: string, reason: unknown): void {
    const error = reason instanceof Error ? reason : new Error(String(reason));
    place.connection = undefined;
    place.lastError = error;
    place.restUntil = monotonicMs() + Math.min(restMs.first * 2 ** place.failures, restMs.longest);
    place.failures += 1;
    if (classifyError(error).category !== "authentication") return;
    const { password } = place;
    const former = this.#refusals.get(address);
    const failures = former !== undefined && former.password === password ? former.failures + 1 : 0;
    const rest = Math.min(refusedRestMs.first * 2 ** failures, refusedRestMs.longest);
    this.#refusals.set(address, { password, error, failures, restUntil: monotonicMs() + rest });
  }

  #password(): string | undefined {
    return this.#settings.options.sasl?.password();
  }
}
