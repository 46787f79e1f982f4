import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { inspectTls } from "../../daemon/sinks/kafka/tls/inspection.ts";
import { describe, DfnError } from "../../daemon/errors.ts";
import { readPkcs12File } from "../../daemon/sinks/kafka/tls/credentials.ts";
import { childOf, readDer, stringBytes } from "../../daemon/sinks/kafka/tls/der.ts";
import { handshake } from "../rig/tls-settings.ts";
import { commandIn, errorsOf, refusal, TlsWorld } from "./tls-world.ts";

let world: TlsWorld;
before(async () => (world = await TlsWorld.create()));
after(() => world[Symbol.asyncDispose]());

const stores = {
  "AES-256, as OpenSSL 3 writes it":
    "openssl pkcs12 -export -in chain.pem -inkey client.key -passout file:passphrase -out FILE",
  "triple DES, as OpenSSL 1 wrote it":
    "openssl pkcs12 -export -certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1 -in chain.pem -inkey client.key -passout file:passphrase -out FILE",
  "triple DES of two keys, SHA-512":
    "openssl pkcs12 -export -certpbe PBE-SHA1-2DES -keypbe AES-128-CBC -macalg sha512 -in chain.pem -inkey client.key -passout file:passphrase -out FILE",
  "certificates that are not encrypted":
    "openssl pkcs12 -export -certpbe NONE -in chain.pem -inkey client.key -passout file:passphrase -out FILE",
  "no checksum": "openssl pkcs12 -export -nomac -in chain.pem -inkey client.key -passout file:passphrase -out FILE",
  "certificates in another order, and one from somebody else":
    "cat root.pem other-root.pem middle.pem client.pem >unordered.pem; openssl pkcs12 -export -in unordered.pem -inkey client.key -passout file:passphrase -out FILE",
  "as Java writes it":
    "openssl pkcs12 -export -name client -in chain.pem -inkey client.key -passout file:passphrase -out FILE.first; keytool -importkeystore -srckeystore FILE.first -srcstorepass secret -destkeystore FILE -deststoretype PKCS12 -deststorepass secret",
};

for (const [index, [what, make]] of Object.entries(stores).entries()) {
  test(`PKCS#12, ${what}: accepted, with its chain`, async () => {
    const file = `store-${index}.p12`;
    await world.pki.shell(make.replaceAll("FILE", file));
    const of = world.withPkcs12(file);
    assert.deepEqual(inspectTls(of), []);
    const met = await handshake(of, world.chained, { requestCert: true });
    assert.equal(met.refused, undefined);
    assert.deepEqual(met.sent.slice(0, 2), ["client", "middle"]);
    if (what !== "no checksum") {
      assert.match(refusal(world.withPkcs12(file, world.wrong)), /the pass phrase in .*wrong does not open .*store-/);
      const none = world.settings({ cert: undefined, key: undefined, pkcs12: world.path(file) });
      assert.match(refusal(none), /is encrypted; write its pass phrase to a file .*passphrase_file/);
    }
  });
}

test("PKCS#12 without a pass phrase, in both ways to write none, and one with letters beyond ASCII", async () => {
  await world.pki.shell("openssl pkcs12 -export -in chain.pem -inkey client.key -passout pass: -out none.p12");
  const none = world.settings({ cert: undefined, key: undefined, pkcs12: world.path("none.p12") });
  assert.deepEqual(inspectTls(none), []);
  await writeFile(world.path("foreign"), "Grüße, 密\n");
  for (const algorithm of ["AES-256-CBC", "PBE-SHA1-3DES"]) {
    const pbe = `-certpbe ${algorithm} -keypbe ${algorithm}`;
    await world.pki.shell(
      `openssl pkcs12 -export ${pbe} -in chain.pem -inkey client.key -passout file:foreign -out foreign.p12`,
    );
    assert.deepEqual(inspectTls(world.withPkcs12("foreign.p12", world.path("foreign"))), []);
  }
});

/** An element whose end is marked, instead of its length given in advance. */
function open(tag: number, ...parts: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([tag, 0x80]), ...parts, Buffer.alloc(2)]);
}

test("PKCS#12 with open lengths and strings in pieces, as some Java programs write it", async () => {
  await world.pki.shell("openssl pkcs12 -export -in chain.pem -inkey client.key -passout file:passphrase -out der.p12");
  const pfx = readDer(await readFile(world.path("der.p12")));
  const [version, authSafe, mac] = pfx.children.map(({ whole }) => whole);
  const data = stringBytes(childOf(childOf(childOf(pfx, 1), 1), 0));
  assert.ok(version !== undefined && authSafe !== undefined && mac !== undefined);
  const pieces = [data.subarray(0, 100), data.subarray(100)].map((piece) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(piece.length);
    return Buffer.concat([Buffer.from([0x04, 0x82]), length, piece]);
  });
  const type = childOf(childOf(pfx, 1), 0).whole;
  const ber = open(0x30, version, open(0x30, type, open(0xa0, open(0x24, ...pieces))), mac);
  await writeFile(world.path("ber.p12"), ber);
  assert.deepEqual(inspectTls(world.withPkcs12("ber.p12")), []);
});

test("PKCS#12 whose certificates are not encrypted, with one that was put there by somebody else, is refused", async () => {
  const make = "openssl pkcs12 -export -certpbe NONE -in chain.pem -inkey client.key -passout file:passphrase";
  await world.pki.shell(`${make} -out forged.p12`);
  const bytes = await readFile(world.path("forged.p12"));
  // The common name of the authority, in the certificate of the client and its own.
  for (let at = 0; (at = bytes.indexOf("middle", at)) >= 0;) at += bytes.write("muddle", at);
  await writeFile(world.path("forged.p12"), bytes);
  assert.match(refusal(world.withPkcs12("forged.p12")), /does not open .*forged\.p12/);
});

test("an authority inside PKCS#12 does not vouch for brokers", async () => {
  const all = "cat client.pem middle.pem root.pem >with-root.pem; openssl pkcs12 -export -in with-root.pem";
  await world.pki.shell(`${all} -inkey client.key -passout file:passphrase -out with-root.p12`);
  const of = { ...world.withPkcs12("with-root.p12"), ca: [world.path("other-root.pem")] };
  const met = await handshake(of, {
    ...world.server,
    cert: await world.join("s2.pem", "server.pem", "middle.pem", "root.pem"),
  });
  assert.match(met.refused ?? "it was trusted", /SELF_SIGNED_CERT_IN_CHAIN/);
});

test("PKCS#12 with RC2, as Java and Windows wrote it, is converted by the command that is given", async () => {
  await world.pki.shell(
    "openssl pkcs12 -export -legacy -in chain.pem -inkey client.key -passout file:passphrase -out rc2.p12",
  );
  const error = refusal(world.withPkcs12("rc2.p12"));
  assert.match(
    error,
    /sink\.kafka\.tls\.pkcs12: .*rc2\.p12 is encrypted with RC2-40, an old algorithm .*openssl pkcs12 -legacy/,
  );
  await world.pki.shell(commandIn(error));
  assert.deepEqual(inspectTls(world.withPkcs12("rc2.p12.new")), []);
});

test("PKCS#12 that cannot be used is reported with what it lacks", async () => {
  const key2 =
    "openssl pkcs12 -export -name two -in server.pem -inkey server.key -passout file:passphrase -out two.p12";
  const key1 =
    "openssl pkcs12 -export -name one -in client.pem -inkey client.key -passout file:passphrase -out both.p12";
  const merge =
    "keytool -importkeystore -srckeystore two.p12 -srcstorepass secret -destkeystore both.p12 -deststoretype PKCS12 -deststorepass secret";
  await world.pki.shell(
    [
      `${key1}; ${key2}; ${merge}`,
      "openssl pkcs12 -export -nokeys -in ca.pem -passout file:passphrase -out no-key.p12",
      "openssl pkcs12 -export -nocerts -inkey client.key -in client.pem -passout file:passphrase -out no-cert.p12",
      "head -c 500 both.p12 >cut.p12",
      "openssl x509 -in root.pem -outform der -out root.der",
      "openssl pkcs12 -export -iter 65536 -in client.pem -inkey client.key -passout file:passphrase -out rounds.p12",
      "keytool -importkeystore -srckeystore both.p12 -srcstorepass secret -destkeystore client.jks -deststoretype JKS -deststorepass secret -srcalias one -destkeypass secret",
    ].join("; "),
  );
  const says: readonly (readonly [string, RegExp])[] = [
    ["both.p12", /both\.p12 holds 2 private keys; export only the right one/],
    ["no-key.p12", /no-key\.p12 holds only certificates, no private key; export it again with the private key/],
    ["no-cert.p12", /no-cert\.p12 holds no certificate; export it again with the certificate/],
    ["cut.p12", /cut\.p12 is (neither PEM nor PKCS#12|damaged)/],
    ["chain.pem", /chain\.pem is PEM text, not PKCS#12; name it in cert and key/],
    ["client.jks", /client\.jks is a Java key store; convert it with: keytool/],
    ["root.der", /root\.der is only a certificate, not PKCS#12/],
    ["absent.p12", /absent\.p12 cannot be read \(it does not exist\)/],
  ];
  for (const [file, pattern] of says) assert.match(refusal(world.withPkcs12(file)), pattern);
  await world.pki.shell(commandIn(refusal(world.withPkcs12("client.jks"))));
  assert.deepEqual(errorsOf(world.withPkcs12("client.jks.p12")), []);
  assert.match(
    refusal({ ...world.withPkcs12("both.p12"), cert: world.client.cert }),
    /give either pkcs12, or cert and key/,
  );
  // Somebody who wants it to take for ever: millions of rounds instead of 65,536.
  const bytes = await readFile(world.path("rounds.p12"));
  for (let at = 0; (at = bytes.indexOf(Buffer.from([2, 3, 1, 0, 0]), at)) >= 0;)
    bytes.set([2, 3, 0x7f, 0xff, 0xff], at);
  await writeFile(world.path("rounds.p12"), bytes);
  assert.match(
    refusal(world.withPkcs12("rounds.p12")),
    /8388607 rounds of key derivation; at most 4000000 are accepted in all/,
  );
});

test("whatever is done to the bytes of a file, the answer is an error with a remedy", async () => {
  await world.pki.shell(
    "openssl pkcs12 -export -nomac -certpbe NONE -keypbe NONE -in chain.pem -inkey client.key -passout file:passphrase -out plain.p12",
  );
  const good = await readFile(world.path("plain.p12"));
  const path = world.path("odd.p12");
  for (let at = 0; at < good.length; at += 11) {
    for (const byte of [undefined, 0xff, 0x80, 0x30]) {
      const bytes = Buffer.from(good);
      await writeFile(path, byte === undefined ? bytes.subarray(0, at) : bytes.fill(byte, at, at + 1));
      try {
        readPkcs12File(path, undefined);
      } catch (reason) {
        assert.ok(reason instanceof DfnError, describe(reason));
        assert.match(reason.message, /^sink\.kafka\.tls\.pkcs12: .*; /);
      }
    }
  }
});
