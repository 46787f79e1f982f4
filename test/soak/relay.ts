import { once } from "node:events";
import { createConnection, createServer, type Server, type Socket } from "node:net";

/** The present state of the route to a broker; shared by all its connections. */
export interface RoadState {
  /** Each way; half of the round trip. */
  delayMs: number;
  /** From the forwarder to the broker; 0: no limit. */
  bytesPerSecond: number;
  /** Connections are accepted and nothing passes. */
  isStalled: boolean;
  /**
   * An answer of the broker that is larger than this at once is held, with all that follows on its connection, until
   * this is 0 again; 0: no limit. What is read back is long, all other answers are short.
   */
  longestAnswerBytes: number;
  /** Answers that were held. */
  held: number;
}

const queueLimitBytes = 65_536;
const tickMs = 5;

/** One direction of one connection: bytes wait until they are due, and the sender waits while too many do. */
class Lane {
  readonly #to: Socket;
  readonly #from: Socket;
  readonly #road: RoadState;
  readonly #isBounded: boolean;
  readonly #queue: { readonly dueMs: number; readonly bytes: Buffer }[] = [];
  #queuedBytes = 0;
  #lastDueMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #hasEnded = false;
  #isHeld = false;

  constructor(from: Socket, to: Socket, road: RoadState, isBounded: boolean) {
    this.#from = from;
    this.#to = to;
    this.#road = road;
    this.#isBounded = isBounded;
  }

  open(): void {
    this.#from.on("data", (bytes: Buffer) => this.#take(bytes));
    this.#from.on("end", () => {
      this.#hasEnded = true;
      this.#pass();
    });
    this.#to.on("drain", () => this.#pass());
    this.#from.once("close", () => clearTimeout(this.#timer));
  }

  #take(bytes: Buffer): void {
    const { delayMs, bytesPerSecond, longestAnswerBytes } = this.#road;
    if (!this.#isBounded && longestAnswerBytes > 0 && bytes.length > longestAnswerBytes && !this.#isHeld) {
      this.#isHeld = true;
      this.#road.held++;
    }
    const spentMs = this.#isBounded && bytesPerSecond > 0 ? (bytes.length / bytesPerSecond) * 1000 : 0;
    this.#lastDueMs = Math.max(this.#lastDueMs, performance.now() + delayMs) + spentMs;
    this.#queue.push({ dueMs: this.#lastDueMs, bytes });
    this.#queuedBytes += bytes.length;
    if (this.#queuedBytes > queueLimitBytes) this.#from.pause();
    this.#pass();
  }

  #pass(): void {
    const now = performance.now();
    if (this.#road.longestAnswerBytes === 0) this.#isHeld = false;
    const isStalled = this.#road.isStalled || this.#isHeld;
    for (let next = this.#queue[0]; next !== undefined && !this.#to.destroyed; next = this.#queue[0]) {
      if (isStalled || next.dueMs > now || this.#to.writableNeedDrain) break;
      this.#queue.shift();
      this.#queuedBytes -= next.bytes.length;
      this.#to.write(next.bytes);
    }
    if (this.#queuedBytes <= queueLimitBytes) this.#from.resume();
    clearTimeout(this.#timer);
    if (this.#queue.length > 0) this.#timer = setTimeout(() => this.#pass(), tickMs);
    else if (this.#hasEnded) this.#to.end();
  }
}

/** The only route from the forwarder to one broker, which a fault slows, stalls, cuts or redirects. */
export class Relay implements AsyncDisposable {
  readonly port: number;
  readonly road: RoadState = { delayMs: 0, bytesPerSecond: 0, isStalled: false, longestAnswerBytes: 0, held: 0 };
  /** Port of the broker's listener that new connections go to. */
  target = 0;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  constructor(port: number) {
    this.port = port;
  }

  /** Connections that are open now, both sides counted. */
  get socketCount(): number {
    return this.#sockets.size;
  }

  /** Listens at an address of the loopback network; one that listened elsewhere moves, and its connections are cut. */
  async listen(host: string): Promise<void> {
    await this.close();
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#connect(socket));
    server.listen(this.port, host);
    await once(server, "listening");
    this.#server = server;
  }

  /** Nobody listens there any more: connections are refused. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.cut();
    if (server === undefined) return;
    const closed = once(server, "close");
    server.close();
    await closed;
  }

  /** Ends all connections with a reset. */
  cut(): void {
    for (const socket of this.#sockets) {
      // By itself a reset waits until everything was written, which a side that reads nothing keeps from ending. And
      // libuv refuses it while the end is being sent: Node then never closes the socket, and hangs at its own end.
      if (!socket.writableEnded) socket.resetAndDestroy();
      socket.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #connect(near: Socket): void {
    const far = createConnection({ port: this.target, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    near.setNoDelay(true);
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on("error", () => socket.destroy()); // the other side of the pair is ended below
      socket.on("close", () => {
        this.#sockets.delete(socket);
        (socket === near ? far : near).destroy();
      });
    }
    new Lane(near, far, this.road, true).open();
    new Lane(far, near, this.road, false).open();
  }
}
