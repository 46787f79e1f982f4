import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

/**
 * A relay in front of a manager's queue: takes a line for an event, and an unfinished line at the end of a connection
 * for cut off.
 */
export class QueueRelay implements AsyncDisposable {
  /** Each whole line, without its newline, in the order of arrival. */
  readonly lines: string[] = [];
  /** Unfinished lines that connections ended with. */
  readonly cutOff: string[] = [];
  connections = 0;
  /** Called with each new connection, before anything is read from it. */
  onConnection: (socket: Socket) => void = () => {};
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#take(socket));
  }

  /** @param port 0: any that is free */
  static async listen(port = 0, host = "127.0.0.1"): Promise<QueueRelay> {
    const relay = new QueueRelay();
    relay.#server.listen(port, host);
    await once(relay.#server, "listening");
    return relay;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the relay does not listen");
    return address.port;
  }

  get address(): { readonly kind: "tcp"; readonly host: string; readonly port: number } {
    return { kind: "tcp", host: "127.0.0.1", port: this.port };
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Stops reading from the open connections. */
  pause(): void {
    for (const socket of this.#sockets) socket.pause();
  }

  resume(): void {
    for (const socket of this.#sockets) socket.resume();
  }

  /** Ends our half of the open connections, and continues to read. */
  endHalves(): void {
    for (const socket of this.#sockets) socket.end();
  }

  /** Ends the connections as a process that dies does. */
  reset(): void {
    for (const socket of this.#sockets) {
      // Node 22 never gets rid of a socket that is reset while it shuts down.
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  }

  #take(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    let rest = "";
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      const [...lines] = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.lines.push(...lines);
    });
    socket.on("error", () => socket.destroy()); // What came before it is in `lines`.
    socket.on("end", () => socket.end());
    socket.on("close", () => {
      this.#sockets.delete(socket);
      if (rest !== "") this.cutOff.push(rest);
    });
    this.onConnection(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.reset();
    await closed;
  }
}
