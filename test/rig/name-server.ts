import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/** The port that programs always use. */
const usualPort = 53;
const headBytes = 12;
const answerIsHere = 0x8180;
const addressType = 1;
const internet = 1;
/** The name in the question, which begins after the header. */
const sameName = 0xc000 | headBytes;

/** A name server for programs whose resolv.conf points to it. Needs root, for the usual port. */
export class NameServer implements AsyncDisposable {
  /** Questions that came. */
  questions = 0;
  readonly #socket: Socket;

  private constructor(answer: string | undefined) {
    this.#socket = createSocket("udp4", (question, from) => {
      this.questions++;
      if (answer !== undefined) this.#socket.send(answered(question, answer), from.port, from.address);
    });
  }

  /**
   * @param host address of the loopback network that it listens at
   * @param answer the IPv4 address of all names; they have none of the other family. Undefined: it never answers
   * @param port 0: one that is free
   */
  static async start(host: string, answer: string | undefined, port = usualPort): Promise<NameServer> {
    const server = new NameServer(answer);
    server.#socket.bind(port, host);
    await once(server.#socket, "listening");
    return server;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }
}

/** RFC 1035, 4.1: header, the question again, and an address if one was asked for. */
function answered(question: Buffer, address: string): Buffer {
  let end = headBytes;
  for (let length = question[end] ?? 0; length > 0; length = question[end] ?? 0) end += length + 1;
  const type = question.readUInt16BE(end + 1);
  const asked = question.subarray(0, end + 5);
  const head = Buffer.from(asked);
  head.writeUInt16BE(answerIsHere, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(type === addressType ? 1 : 0, 6);
  head.writeUInt32BE(0, 8);
  if (type !== addressType) return head;
  const record = Buffer.alloc(12);
  record.writeUInt16BE(sameName, 0);
  record.writeUInt16BE(addressType, 2);
  record.writeUInt16BE(internet, 4);
  record.writeUInt32BE(0, 6); // not to be kept
  record.writeUInt16BE(4, 10);
  return Buffer.concat([head, record, Buffer.from(address.split(".").map(Number))]);
}
