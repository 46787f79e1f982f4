import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { BrokerConnection } from "../../../../daemon/sinks/kafka/connection/connection.ts";
import type { SaslCredentials } from "../../../../daemon/sinks/kafka/connection/options.ts";
import { fetchMetadata } from "../../../../daemon/sinks/kafka/connection/requests.ts";
import { seededRandom } from "../../../rig/random.ts";
import { kafkaOptions } from "./rig.ts";
import { int16, int32, string } from "./wire.ts";

/** What a peer that is not a broker, or is a hostile one, sends in place of an answer. */
const answers: readonly [what: string, bytes: Buffer][] = [
  ["telnet negotiation", Buffer.from("fffd18fffd20", "hex")],
  ["a length of 0", int32(0, 0)],
  ["a length of 3", Buffer.concat([int32(3), Buffer.alloc(3)])],
  ["a length of -1", int32(-1, -1, -1)],
  ["the lowest length", int32(-(2 ** 31), 0, 0)],
  ["the highest length", int32(2 ** 31 - 1, 0, 0)],
  ["HTTP", Buffer.from("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")],
  ["TLS's alert", Buffer.from("15030300020246", "hex")],
];

const sasl: SaslCredentials = { mechanism: "scram-sha-256", username: "u", password: () => "p" };

/** Version ranges of the few requests that matter here, including SASL. */
const versions = Buffer.concat([int16(0), int32(6), ...[0, 3, 17, 18, 22, 36].map((key) => int16(key, 0, 9))]);

/** Answers the first `honest` requests as a broker does, and then sends `bytes`, in one piece or byte by byte. */
async function peer(honest: number, bytes: Buffer, isSplit: boolean): Promise<AsyncDisposable & { address: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {}); // The other side hangs up.
    let answered = 0;
    socket.on("data", (request) => {
      if (answered++ < honest) {
        const body = answered === 1 ? versions : Buffer.concat([int16(0), int32(1), string("SCRAM-SHA-256")]);
        socket.write(Buffer.concat([int32(body.length + 4), request.subarray(8, 12), body]));
      } else if (isSplit) {
        for (const byte of bytes) socket.write(Buffer.of(byte));
      } else socket.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const place = server.address();
  assert.ok(place !== null && typeof place === "object");
  return {
    address: `127.0.0.1:${place.port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Talks to a peer until the connection ends. An error outside of the connection would end this test's process. */
async function talk(honest: number, bytes: Buffer, isSplit: boolean, withSasl: boolean): Promise<Error> {
  await using server = await peer(honest, bytes, isSplit);
  const options = { ...kafkaOptions([server.address]), requestTimeoutMs: 1000, ...(withSasl ? { sasl } : {}) };
  const connection = new BrokerConnection(server.address, { options, tls: () => undefined });
  try {
    await connection.opened;
    await fetchMetadata(connection, ["t"]);
  } catch (reason) {
    assert.ok(reason instanceof Error);
    assert.ok(connection.isClosed);
    return reason;
  } finally {
    connection.close(new Error("the test is over"));
  }
  return assert.fail("it was taken for Kafka");
}

const phases = [
  ["versions", 0, false],
  ["authentication", 1, true],
  ["a SCRAM message", 2, true],
  ["metadata", 1, false],
] as const;

for (const [phase, honest, withSasl] of phases) {
  for (const [what, bytes] of answers) {
    test(`${what} in place of ${phase} ends the connection, not the process`, async () => {
      for (const isSplit of [false, true]) {
        const reason = await talk(honest, bytes, isSplit, withSasl);
        assert.match(reason.message, /does not speak Kafka's protocol here/);
      }
    });
  }
}

test("whatever bytes an answer of valid length contains, the connection ends with an error of its own", async () => {
  const random = seededRandom(12);
  const draw = (below: number): number => Math.floor(random() * below);
  for (let round = 0; round < 60; round++) {
    const [, honest, withSasl] = phases[round % phases.length] ?? phases[0];
    const body = Buffer.from(Array.from({ length: 4 + draw(60) }, () => (draw(3) === 0 ? draw(256) : draw(4))));
    // The number of the request that is answered, as kafkajs counts them.
    body.writeInt32BE(honest, 0);
    // A second frame with an invalid length ends those connections that the first one leaves waiting.
    const bytes = Buffer.concat([int32(body.length), body, int32(1)]);
    await talk(honest, bytes, draw(2) === 0, withSasl);
  }
});
