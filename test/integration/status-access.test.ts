import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { eventually } from "../rig/eventually.ts";
import { Program } from "../rig/program.ts";
import { AccessWorld, tapToken, token } from "./status-access-world.ts";

const halfOpen = fileURLToPath(new URL("../rig/half-open.js", import.meta.url));
const attacker = 65534;
const wrong = "w".repeat(40);

test("a port with a token: everything but probes needs it, and no answer lets another site read it", async () => {
  await using world = await AccessWorld.create();
  await world.offer();
  for (const path of ["/status", "/metrics", "/events", "/schema", "/openapi.json", "/health"]) {
    const none = await world.ask(path);
    assert.equal(none.status, 401, path);
    assert.equal(none.headers["www-authenticate"], "Bearer");
    assert.match(JSON.parse(none.body).error, /token is needed/);
    assert.equal(await world.statusOf(path, { token: wrong }), 401, path);
    // Neither in the URL nor in a cookie.
    assert.equal(await world.statusOf(`${path}?token=${token}`, { headers: { cookie: `token=${token}` } }), 401, path);
  }
  for (const path of ["/status", "/metrics", "/schema", "/openapi.json", "/health"]) {
    const { status, headers } = await world.ask(path, { token, headers: { origin: "https://evil.example.org" } });
    assert.equal(status, 200, path);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.match(String(headers["content-security-policy"]), /frame-ancestors 'none'/);
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith("access-control")),
      [],
    );
  }
  for (const path of ["/livez", "/readyz", "/open"]) assert.equal(await world.statusOf(path), 200, path);
  assert.equal(await world.statusOf("/absent"), 404);
});

test("Host must be ours on any port, pages of other sites reach the open page alone, forwarding headers are not believed", async () => {
  await using world = await AccessWorld.create();
  await world.offer({ hosts: ["status.example.org"], allow: ["127.0.0.1/32"] });
  const ask = (path: string, headers: Readonly<Record<string, string>>, from?: string) =>
    world.statusOf(path, { token, headers, ...(from === undefined ? {} : { from }) });
  assert.equal(await ask("/status", { host: "status.example.org:8443" }), 200);
  assert.equal(await ask("/status", { host: "evil.example.org", "x-forwarded-host": "localhost" }), 421);
  assert.equal(await ask("/livez", { host: "evil.example.org" }), 421);
  assert.equal(await ask("/open", { host: "evil.example.org" }), 421);
  assert.equal(await ask("/status", { "sec-fetch-site": "cross-site" }), 403);
  assert.equal(await ask("/open", { "sec-fetch-site": "cross-site" }), 200);
  await assert.rejects(ask("/status", { "x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1" }, "127.0.0.2"));
});

test("contents of alerts need the token for them, which opens everything else too", async () => {
  await using world = await AccessWorld.create();
  await world.offer();
  assert.equal(await world.statusOf("/contents", { token }), 403);
  await world.offer({ tapTokenFile: world.pki.path("tap-token") });
  assert.equal(await world.statusOf("/contents"), 401);
  assert.equal(await world.statusOf("/contents", { token: wrong }), 401);
  assert.equal(await world.statusOf("/contents", { token }), 403);
  assert.equal(await world.statusOf("/contents", { token: tapToken }), 200);
  assert.equal(await world.statusOf("/status", { token: tapToken }), 200);
});

test("with client_ca a certificate of it is needed, with client_names one of these, with a token both; probes need neither", async () => {
  await using world = await AccessWorld.create();
  const { pki, server } = world;
  await Promise.all(["ca", "other-ca"].map((name) => pki.make(name, { isAuthority: true })));
  const [known, other, foreign] = await Promise.all([
    pki.make("monitoring", { issuer: "ca", usage: "clientAuth" }),
    pki.make("other", { issuer: "ca", usage: "clientAuth" }),
    pki.make("stranger", { issuer: "other-ca", usage: "clientAuth" }),
  ]);
  const tls = { cert: server.cert, key: server.key, clientCa: [pki.path("ca.pem")], clientNames: [] };
  await world.offer({ tls, tokenFile: undefined });
  assert.equal(await world.statusOf("/status", { certificate: known }), 200);
  assert.equal(await world.statusOf("/status", { certificate: other }), 200);
  assert.equal(await world.statusOf("/status", { certificate: foreign }), 401);
  assert.equal(await world.statusOf("/status"), 401);
  assert.equal(await world.statusOf("/livez"), 200);
  await world.offer({ tls: { ...tls, clientNames: ["monitoring"] }, tokenFile: undefined });
  assert.equal(await world.statusOf("/status", { certificate: known }), 200);
  assert.equal(await world.statusOf("/status", { certificate: other }), 403);
  await world.offer({ tls });
  assert.equal(await world.statusOf("/status", { certificate: known }), 401);
  assert.equal(await world.statusOf("/status", { token }), 401);
  assert.equal(await world.statusOf("/status", { certificate: known, token }), 200);
});

/** What comes on a connection until its end. @param from an address of this machine */
async function rawly(port: number, from: string, text: string): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port, localAddress: from });
  socket.on("error", () => undefined); // The other side may end it early.
  let answer = "";
  socket.setEncoding("latin1").on("data", (part: string) => (answer += part));
  socket.write(text);
  await once(socket, "close");
  return answer;
}

test("an address that is not in allow is refused before TLS, with 403, and also when it asks for a probe", async () => {
  await using world = await AccessWorld.create();
  await world.offer({ allow: ["127.0.0.1/32", "127.0.8.0/24"] });
  assert.equal(await world.statusOf("/status", { token }), 200);
  assert.equal(await world.statusOf("/livez", { from: "127.0.8.9" }), 200);
  await assert.rejects(world.ask("/livez", { from: "127.0.9.1" }), /SSL|TLS|socket|ECONNRESET/i);
  const answer = await rawly(world.port, "127.0.9.1", "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
  assert.match(answer, /^HTTP\/1\.1 403 Forbidden\r\n/);
  assert.match(answer, /\r\n\r\n\{"error":"[^"]*status\.allow"\}\n$/);
});

test("IPv4 is IPv4 also where the system maps it into IPv6: allow judges it by its own networks", async () => {
  await using world = await AccessWorld.create();
  const listen = { kind: "tcp", host: "::", port: world.port } as const;
  await world.offer({ listen, allow: ["127.0.0.1/32"] });
  assert.equal(await world.statusOf("/status", { token }), 200);
  await assert.rejects(world.ask("/status", { token, from: "127.0.0.2" }));
});

test("too many requests of one address get 429 and Retry-After, wrong tokens among them; others and probes do not suffer", async () => {
  await using world = await AccessWorld.create();
  await world.offer({ rate: { count: 3, perMs: 3_600_000 } });
  for (let i = 0; i < 3; i++) assert.equal(await world.statusOf("/status", { token: wrong, from: "127.0.0.2" }), 401);
  const { status, headers } = await world.ask("/status", { token, from: "127.0.0.2" });
  assert.equal(status, 429);
  const seconds = Number(headers["retry-after"]);
  assert.ok(seconds > 0 && seconds <= 1200, headers["retry-after"]);
  assert.equal(await world.statusOf("/livez", { from: "127.0.0.2" }), 200);
  for (let i = 0; i < 3; i++) assert.equal(await world.statusOf("/status", { token }), 200);
  assert.equal(await world.statusOf("/status", { token }), 429);
});

test("each refusal is JSON that says why, and of too many requests also when to ask again", async () => {
  await using world = await AccessWorld.create();
  await world.offer({ tapTokenFile: world.pki.path("tap-token"), rate: { count: 6, perMs: 3_600_000 } });
  const cases = [
    ["/absent", { token }, 404, /^not found$/],
    ["/status", {}, 401, /token is needed/],
    ["/status", { token: wrong }, 401, /token is wrong/],
    ["/contents", { token }, 403, /status\.tap_token_file/],
    ["/status", { token, headers: { "sec-fetch-site": "cross-site" } }, 403, /site/],
    ["/status", { token, headers: { host: "evil.example.org" } }, 421, /status\.hosts/],
    ["/status", { token }, 429, /status\.rate/],
  ] as const;
  for (const [path, way, expected, why] of cases) {
    const { status, headers, body } = await world.ask(path, way);
    assert.equal(status, expected, `${path}: ${body}`);
    assert.match(String(headers["content-type"]), /^application\/json/);
    const { error }: { error: string } = JSON.parse(body);
    assert.match(error, why);
    assert.equal(Number(headers["retry-after"]) > 0, expected === 429, `${expected}`);
  }
});

test("200 readers of streams that take nothing keep nobody from an answer, and most of them get 429 and Retry-After", async () => {
  await using world = await AccessWorld.create();
  await world.offer();
  const answers = await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      const answer = await world.open("/events", { token, from: `127.0.2.${1 + (index % 100)}` });
      answer.on("error", () => undefined); // They are cut off at the end.
      return answer;
    }),
  );
  const refused = answers.filter(({ statusCode }) => statusCode === 429);
  assert.equal(answers.length - refused.length, answers.filter(({ statusCode }) => statusCode === 200).length);
  assert.ok(refused.length >= 170, `${refused.length} refused`);
  assert.ok(refused.every(({ headers }) => Number(headers["retry-after"]) > 0));
  for (const path of ["/livez", "/readyz", "/status", "/metrics"]) {
    assert.equal(await world.statusOf(path, { token }), 200, path);
  }
});

test("an address that goes on after 429 is not even given TLS, and others are", async () => {
  await using world = await AccessWorld.create();
  await world.offer({ rate: { count: 2, perMs: 3_600_000 } });
  const seen = new Set<number>();
  await eventually("connections without TLS", async () => {
    try {
      seen.add(await world.statusOf("/status", { from: "127.0.0.2", token }));
      return false;
    } catch {
      return true;
    }
  });
  assert.deepEqual([...seen], [200, 429]);
  assert.equal(await world.statusOf("/livez"), 200);
});

test("an address has at most eight connections: those that say nothing go, the oldest first", async () => {
  await using world = await AccessWorld.create();
  await world.offer();
  const closed = new Set<number>();
  const sockets: Socket[] = [];
  for (let i = 0; i < 20; i++) {
    const socket = connect({ host: "127.0.0.1", port: world.port, localAddress: "127.0.0.2" });
    socket.on("error", () => undefined); // A connection that is dropped looks like one.
    socket.on("close", () => closed.add(i));
    socket.resume();
    await once(socket, "connect");
    sockets.push(socket);
  }
  await eventually("eight of them left", () => closed.size === 12);
  assert.deepEqual(
    [...closed].toSorted((a, b) => a - b),
    Array.from({ length: 12 }, (_, i) => i),
  );
  assert.equal(await world.statusOf("/status", { token, from: "127.0.0.2" }), 200);
  assert.equal(await world.statusOf("/livez", { from: "127.0.0.3" }), 200);
  await eventually("all of them dropped", () => closed.size === 20);
  for (const socket of sockets) socket.destroy();
});

test("200 half-open and slow connections, which come again at once, keep nobody out, from their own address neither", async () => {
  await using world = await AccessWorld.create();
  await world.offer();
  await using hostile = new Program(process.execPath, [halfOpen, world.port, 200, attacker, attacker].map(String));
  await eventually("the attack", () => hostile.outputLines.includes("ready"));
  for (let round = 0; round < 5; round++) {
    for (const from of ["127.0.0.1", "127.0.0.2"]) {
      for (const path of ["/livez", "/readyz", "/status", "/metrics"]) {
        assert.equal(await world.statusOf(path, { token, from }), 200, `${path} from ${from}`);
      }
    }
  }
  assert.equal(hostile.ended, undefined, hostile.errorLines.join("\n"));
});

test("200 handshakes that stay half done, from 25 addresses, keep nobody out and are given up", async () => {
  await using world = await AccessWorld.create();
  await world.offer();
  let ended = 0;
  const begun = Array.from({ length: 200 }, (_, index) => {
    const socket = connect({ host: "127.0.0.1", port: world.port, localAddress: `127.0.1.${1 + (index % 25)}` });
    socket.on("error", () => undefined); // A connection that is dropped looks like one.
    socket.on("close", () => (ended += 1));
    socket.resume();
    // The head of a ClientHello that announces more than ever comes.
    socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]));
    return socket;
  });
  for (const path of ["/livez", "/readyz", "/status", "/metrics"]) {
    assert.equal(await world.statusOf(path, { token }), 200, path);
  }
  await eventually("all of them given up", () => ended === begun.length);
});

test("streams end when the rules become others, and stay when they are the same", async () => {
  await using world = await AccessWorld.create();
  await world.offer();
  let hasEnded = false;
  const stream = await world.open("/events", { token });
  stream.on("error", () => undefined); // Its end is not a proper one.
  stream.on("close", () => (hasEnded = true)).resume();
  assert.equal(stream.statusCode, 200);
  await world.offer();
  assert.equal(await world.statusOf("/status", { token }), 200);
  assert.equal(hasEnded, false);
  await world.offer({ tokenFile: world.pki.path("tap-token") });
  await eventually("the end of the stream", () => hasEnded);
  assert.equal(await world.statusOf("/status", { token }), 401);
  assert.equal(await world.statusOf("/status", { token: tapToken }), 200);
});
