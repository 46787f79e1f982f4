import { connect, type Socket } from "node:net";
import { describe, errnoOf } from "../errors.ts";
import { maxEventBytes } from "./queue-message.ts";
import type { QueueTransport, SendResult } from "./queue-transport.ts";

interface StreamOptions {
  readonly host: string;
  readonly port: number;
  /** Milliseconds for one address to take the connection; the relay has four times as long to take one event. */
  readonly patienceMs?: number;
}

const defaultPatienceMs = 15_000;
/** The look-up of the name comes before; the system's resolver asks a second server after five seconds. */
const maxLookupMs = 60_000;
/** After this silence the kernel asks every second whether the other host is still there, ten times. */
const keepAliveMs = 15_000;
/** Of several addresses the next one has its turn after this time. */
const nextAddressMs = 2500;
/** How long an ended connection may take to hand over what the kernel has not taken yet. */
const lingerMs = 5000;

/** An event that was written and that the kernel has not taken as a whole yet. */
interface Unfinished {
  isTaken: boolean;
  readonly timer: NodeJS.Timeout;
}

/**
 * A TCP connection to a relay in front of analysisd's queue: one event a line. It is made when the first event comes, kept,
 * and made again when it has ended. Node holds one event at most, all else is in the kernel's buffer, whose size is
 * bounded; an event that a connection did not take as a whole is sent again from its beginning on the next one. What the
 * relay sends is read and thrown away, because unread bytes would make the kernel reset the connection at its end.
 */
export class QueueStream implements QueueTransport {
  readonly #options: StreamOptions;
  readonly #patienceMs: number;
  #socket: Socket | undefined;
  #unfinished: Unfinished | undefined;
  /** Whether the present connection has taken an event: one that only opens and closes is not a relay's. */
  #hasTaken = false;
  /** Why the last connection could not be made, until the next call of `send` reports it. */
  #failure: string | undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#patienceMs = options.patienceMs ?? defaultPatienceMs;
  }

  send(event: Buffer): SendResult {
    if (this.#failure !== undefined) {
      const why = this.#failure;
      this.#failure = undefined;
      return { kind: "away", why };
    }
    if (event.length > maxEventBytes || event.includes(10)) return { kind: "too-large" };
    if (this.#unfinished !== undefined) {
      if (!this.#unfinished.isTaken) return { kind: "full" };
      this.#unfinished = undefined;
      return this.#taken();
    }
    const socket = (this.#socket ??= this.#connect());
    if (socket.connecting || !socket.writable) return { kind: "full" };
    return this.#write(socket, event);
  }

  /** The connection stays: the kernel reports whether the relay is still there. */
  idle(): void {}

  [Symbol.dispose](): void {
    const socket = this.#socket;
    const isCutOff = this.#unfinished?.isTaken === false;
    this.#forget();
    if (socket === undefined) return;
    // An event that is counted as dropped must not arrive after all.
    if (socket.connecting || isCutOff) {
      socket.destroy();
      return;
    }
    socket.end();
    setTimeout(() => socket.destroy(), lingerMs).unref();
  }

  #taken(): SendResult {
    this.#hasTaken = true;
    return { kind: "sent" };
  }

  #write(socket: Socket, event: Buffer): SendResult {
    const timer = setTimeout(() => socket.destroy(timedOut()), 4 * this.#patienceMs).unref();
    const unfinished: Unfinished = { isTaken: false, timer };
    socket.write(Buffer.concat([event, newline]), (error) => {
      clearTimeout(timer);
      // Node calls back without an error, too, for a write that was cut off by `destroy`.
      unfinished.isTaken = !socket.destroyed && (error === undefined || error === null);
    });
    if (socket.writableLength === 0 && !socket.destroyed) return this.#taken();
    this.#unfinished = unfinished;
    return { kind: "full" };
  }

  #connect(): Socket {
    const { host, port } = this.#options;
    const socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
      autoSelectFamilyAttemptTimeout: Math.min(nextAddressMs, this.#patienceMs),
    });
    // Feedback keeps no process running.
    socket.unref();
    socket.resume();
    let timer = setTimeout(() => socket.destroy(timedOut()), maxLookupMs).unref();
    socket.on("connectionAttempt", () => {
      clearTimeout(timer);
      timer = setTimeout(() => socket.destroy(timedOut()), this.#patienceMs).unref();
    });
    this.#hasTaken = false;
    socket.once("connect", () => clearTimeout(timer));
    let why: string | undefined;
    socket.on("error", (reason) => (why = errnoOf(reason) ?? describe(reason)));
    socket.once("close", () => {
      clearTimeout(timer);
      if (this.#socket !== socket) return;
      const unfinished = this.#unfinished;
      this.#forget();
      // What the kernel took before the end is not sent again.
      if (unfinished?.isTaken === true) this.#unfinished = unfinished;
      // A relay that ends an idle connection is still there: the next event makes a new one.
      else if (unfinished !== undefined || !this.#hasTaken) this.#failure = why ?? "the connection was closed";
    });
    return socket;
  }

  #forget(): void {
    clearTimeout(this.#unfinished?.timer);
    this.#unfinished = undefined;
    this.#failure = undefined;
    this.#socket = undefined;
  }
}

const newline = Buffer.from("\n");

function timedOut(): Error {
  return Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" });
}
