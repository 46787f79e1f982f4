import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

/** The forwarder's side of the line protocol: keeps the lines it got, and answers as the test says. */
export class LineServer implements AsyncDisposable {
  /** Each line, without its newline, in the order of arrival. */
  readonly lines: Buffer[] = [];
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(answer: (line: Buffer, socket: Socket) => string | undefined) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.connections++;
      this.#sockets.add(socket);
      let rest = Buffer.alloc(0);
      socket.on("data", (bytes: Buffer) => {
        rest = Buffer.concat([rest, bytes]);
        for (let at = rest.indexOf(10); at !== -1; at = rest.indexOf(10)) {
          const line = rest.subarray(0, at);
          rest = rest.subarray(at + 1);
          this.lines.push(line);
          const text = answer(line, socket);
          if (text !== undefined) socket.write(text);
        }
      });
      socket.on("error", () => socket.destroy()); // a client that has left: what it wrote is in `lines`
      socket.on("end", () => socket.end());
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  /** @param answer the text to write back, newline included; undefined: no answer */
  static async listen(
    path: string,
    answer: (line: Buffer, socket: Socket) => string | undefined = () => "accepted -\n",
  ): Promise<LineServer> {
    const server = new LineServer(answer);
    server.#server.listen(path);
    await once(server.#server, "listening");
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
