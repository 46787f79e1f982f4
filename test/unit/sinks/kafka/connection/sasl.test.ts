import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { ByteReader } from "../../../../../daemon/sinks/kafka/protocol/byte-reader.ts";
import { ConnectionPool } from "../../../../../daemon/sinks/kafka/connection/connection-pool.ts";
import { BrokerConnection } from "../../../../../daemon/sinks/kafka/connection/connection.ts";
import { classifyError } from "../../../../../daemon/sinks/kafka/protocol/errors.ts";
import type { SaslCredentials } from "../../../../../daemon/sinks/kafka/connection/options.ts";
import { noTelemetry } from "../../../../../daemon/sinks/kafka/connection/telemetry.ts";
import { eventually } from "../../../../rig/eventually.ts";
import { kafkaOptions } from "../rig.ts";
import { int16, int32, int64, string } from "../wire.ts";

const saslHandshake = 17;
const apiVersions = 18;
const saslAuthenticate = 36;
const authenticationFailed = 58;
const versions = [0, 3, saslHandshake, apiVersions, saslAuthenticate].map((key) => int16(key, 0, 9));

/** What the peer answers to a client's message: an error code, or the message that is next. */
type Reply = (message: string) => number | string;

/** A broker up to authentication, and no further. */
class SaslPeer implements AsyncDisposable {
  connections = 0;
  /** Messages of the exchange, in order. */
  readonly messages: string[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly #reply: Reply;

  private constructor(reply: Reply) {
    this.#reply = reply;
  }

  static async start(reply: Reply): Promise<SaslPeer> {
    const peer = new SaslPeer(reply);
    await new Promise<void>((resolve) => peer.#server.listen(0, "127.0.0.1", resolve));
    return peer;
  }

  get address(): string {
    const place = this.#server.address();
    assert.ok(place !== null && typeof place === "object");
    return `127.0.0.1:${place.port}`;
  }

  #serve(socket: Socket): void {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.on("error", () => {}); // The other side hangs up.
    // The client sends one request at a time, in one piece.
    socket.on("data", (request) => {
      const apiKey = request.readInt16BE(4);
      const body = this.#answer(apiKey, request);
      socket.write(Buffer.concat([int32(body.length + 4), request.subarray(8, 12), body]));
    });
  }

  #answer(apiKey: number, request: Buffer): Buffer {
    if (apiKey === apiVersions) return Buffer.concat([int16(0), int32(versions.length), ...versions]);
    const mechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"].map(string);
    if (apiKey === saslHandshake) return Buffer.concat([int16(0), int32(3), ...mechanisms]);
    assert.equal(apiKey, saslAuthenticate);
    const reader = new ByteReader(request);
    reader.skip(12);
    reader.string();
    const message = reader.bytes(reader.int32()).toString();
    this.messages.push(message);
    const reply = this.#reply(message);
    const [code, text] = typeof reply === "number" ? [reply, ""] : [0, reply];
    return Buffer.concat([int16(code), string(""), int32(text.length), Buffer.from(text), int64(0)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** The server's first message of SCRAM, with this number of iterations. */
function asking(iterations: string): Reply {
  return (message) => {
    const nonce = /r=([^,]+)/.exec(message)?.[1] ?? "";
    return message.startsWith("n,,") ? `r=${nonce}x,s=c2FsdA==,i=${iterations}` : authenticationFailed;
  };
}

async function attempt(peer: SaslPeer, mechanism: SaslCredentials["mechanism"]): Promise<string> {
  const sasl: SaslCredentials = { mechanism, username: "u", password: () => "p" };
  const options = { ...kafkaOptions([peer.address]), sasl };
  const connection = new BrokerConnection(peer.address, { options, tls: () => undefined });
  try {
    await connection.opened;
  } catch (reason) {
    assert.equal(classifyError(reason).category, "authentication");
    return classifyError(reason).text;
  }
  return assert.fail("it was let in");
}

for (const iterations of ["1000001", "2147483647", "99999999999999999999", "1e9", "4096x", "0", "-1", "4095", ""]) {
  test(`a peer that asks for "${iterations}" iterations gets no proof of the password and costs no time`, async () => {
    for (const mechanism of ["scram-sha-256", "scram-sha-512"] as const) {
      await using peer = await SaslPeer.start(asking(iterations));
      const text = await attempt(peer, mechanism);
      assert.match(text, /asks for ".*" iterations of SCRAM-SHA-(256|512), but only 4096 to 1000000 are accepted/);
      assert.equal(peer.messages.length, 1);
    }
  });
}

for (const iterations of ["4096", "8192", "16384"]) {
  test(`${iterations} iterations, which Kafka allows, are accepted`, async () => {
    await using peer = await SaslPeer.start(asking(iterations));
    await attempt(peer, "scram-sha-512");
    assert.match(peer.messages[1] ?? "", /,p=/);
  });
}

test("refused credentials are retried rarely, for an address as a whole, and at once when they were replaced", async () => {
  await using peer = await SaslPeer.start(() => authenticationFailed);
  let password = "old";
  const sasl: SaslCredentials = { mechanism: "plain", username: "u", password: () => password };
  const options = { ...kafkaOptions([peer.address]), sasl };
  const pool = new ConnectionPool({ options, tls: () => undefined }, noTelemetry, () => {});
  const fails = async (purpose: "send" | "lookup" | "metadata"): Promise<void> => {
    const reason = await pool.connection(peer.address, purpose).catch((thrown: unknown) => thrown);
    assert.equal(classifyError(reason).category, "authentication");
  };
  try {
    await fails("send");
    for (const purpose of ["lookup", "metadata", "send"] as const) await fails(purpose);
    assert.equal(peer.connections, 1);
    const beganAt = performance.now();
    await eventually("the third try", async () => {
      await fails("send");
      return peer.connections === 3;
    });
    assert.ok(performance.now() - beganAt > 2000, "the delay grows");
    password = "new";
    await fails("metadata");
    assert.equal(peer.connections, 4);
  } finally {
    pool.close(new Error("the test is over"));
  }
});
