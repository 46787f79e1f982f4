import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { createInterface } from "node:readline";

/**
 * A client of the forwarder's socket that sends many alerts on one connection: one line for each alert, one answer for
 * each line (`<status> <id or -> [<reason>]`), in order.
 */
export class AlertStream implements AsyncDisposable {
  /** How many answers of each status came. */
  readonly statuses = new Map<string, number>();
  /** The answers as they came; status, id, reason. */
  readonly answers: string[] = [];
  readonly #socket: Socket;
  readonly #closed: Promise<unknown>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#closed = once(socket, "close");
    createInterface({ input: socket }).on("line", (line) => {
      this.answers.push(line);
      const status = line.split(" ", 1).join();
      this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    });
  }

  static async connect(path: string): Promise<AlertStream> {
    const socket = createConnection(path);
    await once(socket, "connect");
    return new AlertStream(socket);
  }

  /** Sends bytes unchanged (lines end in a newline); waits while the other side does not read. */
  async send(bytes: Buffer): Promise<void> {
    if (!this.#socket.write(bytes)) await once(this.#socket, "drain");
  }

  /** Closes the sending side and resolves when every answer came and the forwarder closed. */
  async end(): Promise<void> {
    this.#socket.end();
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    await this.#closed;
  }
}
