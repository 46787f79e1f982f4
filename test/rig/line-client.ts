import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { eventually } from "./eventually.ts";

/** A client of the forwarder's socket that does as the test says, well-behaved or not. */
export class LineClient implements AsyncDisposable {
  readonly socket: Socket;
  #text = "";
  #isClosed = false;
  readonly #closed: Promise<void>;

  private constructor(socket: Socket, reads: boolean) {
    this.socket = socket;
    this.#closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.#isClosed = true;
        resolve();
      });
    });
    socket.on("error", () => undefined); // The forwarder may drop a client; `isClosed` shows it.
    if (reads) socket.setEncoding("latin1").on("data", (text: string) => (this.#text += text));
  }

  /** @param options reads: whether answers are read; a client that does not leaves them in the kernel */
  static async connect(path: string, options: { reads: boolean } = { reads: true }): Promise<LineClient> {
    const socket = createConnection(path);
    await once(socket, "connect");
    return new LineClient(socket, options.reads);
  }

  /** Whether the connection is over at both ends; a client that reads sees it when the forwarder drops it. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The whole lines of the answer so far. */
  get answers(): string[] {
    return this.#text.split("\n").slice(0, -1);
  }

  /** Sends bytes unchanged; resolves when the kernel has taken them. */
  send(bytes: Buffer | string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.write(bytes, (reason) => (reason ? reject(reason) : resolve()));
    });
  }

  /** Sends a line and waits for one more answer. */
  async ask(line: Buffer | string): Promise<string> {
    const before = this.answers.length;
    this.socket.write(line);
    this.socket.write("\n");
    return await eventually("the answer", () => this.answers[before]);
  }

  /** Waits for the given total number of answers, and returns them. */
  async answered(count: number): Promise<string[]> {
    await eventually(`${count} answers`, () => this.answers.length >= count);
    return this.answers;
  }

  /** Closes the sending side, and returns the answers once the forwarder has closed too. */
  async end(): Promise<string[]> {
    this.socket.end();
    await this.#closed;
    return this.answers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await this.#closed;
  }
}
