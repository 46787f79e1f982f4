import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { createServer, type TlsOptions } from "node:tls";
import { inspectTls } from "../../daemon/sinks/kafka/tls/inspection.ts";
import { loadTls } from "../../daemon/sinks/kafka/tls/tls.ts";
import { eventually } from "../rig/eventually.ts";
import type { PkiEntry } from "../rig/pki.ts";
import { handshake } from "../rig/tls-settings.ts";
import { Lines, openSink } from "../unit/sinks/kafka/rig.ts";
import { errorsOf, refusal, TlsWorld } from "./tls-world.ts";

let world: TlsWorld;
let rsa: PkiEntry;
before(async () => {
  world = await TlsWorld.create();
  await world.pki.make("rsa-server", { issuer: "middle", keyType: "rsa" });
  rsa = { cert: await world.join("rsa-chain.pem", "rsa-server.pem", "middle.pem"), key: world.path("rsa-server.key") };
});
after(() => world[Symbol.asyncDispose]());

/** What the log of a sink says, at error level, about a broker that speaks TLS like this. */
async function complaint(options: TlsOptions, changes: Parameters<TlsWorld["settings"]>[0] = {}): Promise<string> {
  const server = createServer({ cert: readFileSync(rsa.cert), key: readFileSync(rsa.key), ...options });
  server.on("tlsClientError", () => undefined); // The sink says what it is.
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const lines = new Lines();
  const port = typeof address === "object" ? address?.port : undefined;
  try {
    await using sink = openSink([`127.0.0.1:${port}`], { tls: world.settings(changes) }, lines.log);
    sink.partitions("topic");
    return await eventually("the complaint", () => lines.matching(/^error Kafka: /)[0]);
  } finally {
    server.close();
  }
}

// OpenSSL itself offers them at security level 0 only.
const old = { ciphers: "ALL:@SECLEVEL=0", minVersion: "TLSv1", maxVersion: "TLSv1.1" } as const;

test("a broker with only TLS 1.0 and 1.1 is refused, with what to do", async () => {
  assert.match(
    await complaint(old),
    /offers only versions of TLS that are older than min_version: .*have TLSv1\.2 or TLSv1\.3 enabled on the brokers \(ssl\.enabled\.protocols/,
  );
});

test("min_version: TLSv1.3 refuses a broker with only TLS 1.2, with what to do", async () => {
  assert.match(
    await complaint({ maxVersion: "TLSv1.2" }, { minVersion: "TLSv1.3" }),
    /older than min_version: .*enabled on the brokers/,
  );
  const met = await handshake(world.settings({ minVersion: "TLSv1.3" }), world.chained);
  assert.equal(met.version, "TLSv1.3");
});

test("a broker with only static RSA is refused, with what to do, unless ciphers names what it offers", async () => {
  const offer = { ciphers: "AES256-GCM-SHA384:AES128-SHA", maxVersion: "TLSv1.2" } as const;
  assert.match(
    await complaint(offer),
    /sink\.kafka\.tls\.ciphers have no cipher in common: .*have ciphers with forward secrecy enabled on the brokers.*or add one that they offer/,
  );
  const allowed = world.settings({ ciphers: "ECDHE+AESGCM:AES256-GCM-SHA384" });
  assert.equal((await handshake(allowed, rsa, offer)).cipher, "AES256-GCM-SHA384");
  const [warning, ...others] = inspectTls(allowed);
  assert.match(warning?.message ?? "", /^sink\.kafka\.tls\.ciphers: .*without forward secrecy: .*:!kRSA:!PSK/);
  assert.deepEqual([warning?.severity, others], ["warning", []]);
  assert.deepEqual(inspectTls(world.settings({ ciphers: "ECDHE+AESGCM:AES256-GCM-SHA384:!kRSA:!PSK" })), []);
});

test("the default offers forward secrecy and authenticated encryption, with TLS 1.2 and 1.3", async () => {
  const preferring = { ciphers: "AES256-SHA:ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES128-GCM-SHA256", honorCipherOrder: true };
  const older = await handshake(world.settings(), rsa, { ...preferring, maxVersion: "TLSv1.2" });
  assert.deepEqual([older.version, older.cipher], ["TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256"]);
  assert.equal((await handshake(world.settings(), rsa)).version, "TLSv1.3");
});

/** What is negotiated with a server that accepts everything. */
async function only(ciphers: string, options: TlsOptions = {}): Promise<(string | undefined)[]> {
  const { version, cipher, refused } = await handshake(world.settings({ ciphers }), rsa, options);
  return [version, refused === undefined ? cipher : "refused"];
}

test("a list for TLS 1.2 leaves TLS 1.3 on; its suites can be chosen in addition, or alone", async () => {
  assert.deepEqual((await only("ECDHE-RSA-AES128-GCM-SHA256"))[0], "TLSv1.3");
  const chosen = "ECDHE-RSA-AES128-GCM-SHA256, TLS_CHACHA20_POLY1305_SHA256";
  assert.deepEqual(await only(chosen), ["TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256"]);
  assert.deepEqual(await only(chosen, { maxVersion: "TLSv1.2" }), ["TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256"]);
  assert.deepEqual(await only("TLS_AES_128_GCM_SHA256"), ["TLSv1.3", "TLS_AES_128_GCM_SHA256"]);
  assert.deepEqual((await only("TLS_AES_128_GCM_SHA256", { maxVersion: "TLSv1.2" }))[1], "refused");
});

test("a list that cannot be used is refused with the reason, at check and at start", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["nonsense", /"nonsense" yields no cipher; leave the setting out for the default .*openssl ciphers -v 'nonsense'$/],
    ["!aNULL", /yields no cipher/],
    [":", /names no cipher/],
    ["PSK:!eNULL", /yields no cipher that works with certificates/],
    ["ECDHE+AESGCM:NULL", /do not encrypt \(eNULL\)/],
    ["ALL:@SECLEVEL=0", /without authentication \(aNULL\)/],
    ["ECDHE+AESGCM:TLS_FOO", /names TLS_FOO, which OpenSSL does not know/],
    ["ECDHE+AESGCM:@SECLEVEL=9", /is not a list that OpenSSL accepts/],
  ];
  for (const [ciphers, says] of cases) {
    const error = refusal(world.settings({ ciphers }));
    assert.match(error, /^sink\.kafka\.tls\.ciphers: /);
    assert.match(error, says);
  }
});

/** What is said about a list that is accepted. */
function warnings(ciphers: string): string {
  const of = world.settings({ ciphers });
  assert.deepEqual(errorsOf(of), []);
  loadTls(of);
  return inspectTls(of)
    .map(({ message }) => message)
    .join("\n");
}

test("what has no effect or is weak in a list is a warning", () => {
  assert.match(
    warnings("ECDHE+AESGCM:ECDHE-RSA-AES256-GCM-SHA385"),
    /no cipher for ECDHE-RSA-AES256-GCM-SHA385; is it mis/,
  );
  assert.match(warnings("ECDHE+AESGCM:@SECLEVEL=0"), /@SECLEVEL=0/);
  assert.equal(warnings("ECDHE+AESGCM:!aNULL:@STRENGTH"), "");
});
