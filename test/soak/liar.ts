import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { connect, createSecureContext, TLSSocket } from "node:tls";
import type { Certificates } from "../rig/certificates.ts";
import { freePorts } from "../rig/free-ports.ts";
import { present } from "../rig/present.ts";

/** Maximum number of answers of the real broker that go through before garbage. */
const mostAnswers = 12;
const lengthBytes = 4;

/**
 * Listens in place of a broker, with its certificate. What it sends is garbage: at once, without TLS; as the first
 * answer; or after some answers of the real broker, to which it passes on what it gets.
 */
export class Liar implements AsyncDisposable {
  /** Connections on which it sent something. */
  lies = 0;
  readonly port: number;
  readonly #random: () => number;
  readonly #certificates: Certificates;
  readonly #target: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(port: number, random: () => number, certificates: Certificates, target: number) {
    this.port = port;
    this.#random = random;
    this.#certificates = certificates;
    this.#target = target;
    this.#server = createServer((socket) => this.#take(socket));
  }

  /** @param target port of the real broker, with TLS */
  static async start(random: () => number, certificates: Certificates, target: number): Promise<Liar> {
    const liar = new Liar(present((await freePorts(1))[0]), random, certificates, target);
    liar.#server.listen(liar.port, "127.0.0.1");
    await once(liar.#server, "listening");
    return liar;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #take(socket: Socket): void {
    this.#keep(socket);
    const answers = this.#between(-2, mostAnswers);
    if (answers === -2) {
      this.#lie(socket);
      return;
    }
    const { server } = this.#certificates;
    const secureContext = createSecureContext({ key: readFileSync(server.key), cert: readFileSync(server.cert) });
    const near = new TLSSocket(socket, { isServer: true, secureContext });
    this.#keep(near);
    if (answers === -1) near.once("secure", () => this.#lie(near));
    else this.#handOn(near, answers);
  }

  #handOn(near: TLSSocket, answers: number): void {
    const { ca, client } = this.#certificates;
    const [authority, key, cert] = [ca, client.key, client.cert].map((path) => readFileSync(path));
    const far = connect({ port: this.#target, host: "127.0.0.1", ca: authority, key, cert, servername: "localhost" });
    this.#keep(far);
    near.pipe(far);
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
    let left = answers;
    far.on("data", (bytes: Buffer) => {
      if (left-- > 0 || !isWhole(bytes)) near.write(bytes);
      else {
        far.pause();
        this.#lie(near);
      }
    });
  }

  #lie(socket: Socket): void {
    this.lies++;
    const length = this.#between(0, 5000);
    const noise = Buffer.from(Array.from({ length }, () => this.#between(0, 255)));
    const framed = (size: number): Buffer => {
      const head = Buffer.alloc(lengthBytes);
      head.writeInt32BE(size);
      return Buffer.concat([head, noise]);
    };
    const garbage = [
      Buffer.from([0xff, 0xfb, 0x01, 0xff, 0xfb, 0x03]), // telnet
      Buffer.from("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
      noise,
      framed(noise.length),
      ...[0, 1, 3, -1, -2_147_483_648, 2_147_483_647].map(framed),
    ];
    socket.write(garbage[this.#between(0, garbage.length - 1)] ?? noise);
    // Some continue, some end, some say nothing more.
    if (this.#random() < 0.5) socket.end();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
  }

  #between(least: number, most: number): number {
    return least + Math.floor(this.#random() * (most - least + 1));
  }
}

/** One whole answer: only after a whole one the garbage cannot turn part of an answer into a different answer. */
function isWhole(bytes: Buffer): boolean {
  return bytes.length >= lengthBytes && bytes.readInt32BE(0) + lengthBytes === bytes.length;
}
