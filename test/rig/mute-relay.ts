import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A route to a broker on which requests go through and answers can be lost. */
export class MuteRelay implements AsyncDisposable {
  /** What the broker answers is thrown away. */
  isMute = false;
  /** `host:port` of the broker. */
  target = "";
  #port = 0;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();

  static async start(): Promise<MuteRelay> {
    const relay = new MuteRelay();
    await relay.open();
    return relay;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Takes connections, at the same port as before. */
  async open(): Promise<void> {
    const server = createServer((near) => this.#serve(near));
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the relay does not listen");
    this.#port = address.port;
    this.#server = server;
  }

  /** Ends all connections and accepts no new ones. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
    if (server === undefined) return;
    const closed = once(server, "close");
    server.close();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #serve(near: Socket): void {
    const [host = "", port] = this.target.split(":");
    const far = connect(Number(port), host);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => {}); // Either side may end at any time; what it means is for the other to find out.
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    near.pipe(far);
    far.on("data", (bytes: Buffer) => {
      if (!this.isMute) near.write(bytes);
    });
  }
}
