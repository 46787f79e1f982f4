import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { inspectTls } from "../../daemon/sinks/kafka/tls/inspection.ts";
import { loadTls, type TlsClientSettings } from "../../daemon/sinks/kafka/tls/tls.ts";
import type { PkiEntry } from "../rig/pki.ts";
import { handshake, passphraseIn } from "../rig/tls-settings.ts";
import { commandIn, errorsOf, refusal, TlsWorld } from "./tls-world.ts";

let world: TlsWorld;
before(async () => {
  world = await TlsWorld.create();
  await Promise.all([
    world.pki.make("for-servers", { issuer: "middle", usage: "serverAuth" }),
    world.pki.make("for-both", { issuer: "middle", usage: "serverAuth,clientAuth" }),
    world.pki.make("alone"),
  ]);
});
after(() => world[Symbol.asyncDispose]());

test("files in order are accepted, and work", async () => {
  assert.deepEqual(inspectTls(world.settings()), []);
  const met = await handshake(world.settings(), world.chained, { requestCert: true });
  assert.equal(met.refused, undefined);
  assert.deepEqual(met.sent, ["client", "middle"]);
});

interface Case {
  readonly setting: "ca" | "cert" | "key";
  /** The file that is wrong, and how it is made. */
  readonly file: string;
  readonly make: string;
  readonly says: RegExp;
  /** The file that the command in the message makes. */
  readonly made?: string;
}

const cases: readonly Case[] = [
  {
    setting: "cert",
    file: "cert.der",
    make: "openssl x509 -in client.pem -outform der -out cert.der",
    says: /cert\.der is DER/,
    made: "cert.der.pem",
  },
  {
    setting: "ca",
    file: "ca.der",
    make: "openssl x509 -in root.pem -outform der -out ca.der",
    says: /ca\.der is DER/,
    made: "ca.der.pem",
  },
  {
    setting: "key",
    file: "key.der",
    make: "openssl pkey -in client.key -outform der -out key.der",
    says: /key\.der is DER/,
    made: "key.der.pem",
  },
  {
    setting: "key",
    file: "rsa.der",
    make: "openssl rsa -traditional -in client.key -outform der -out rsa.der",
    says: /rsa\.der is DER/,
    made: "rsa.der.pem",
  },
  {
    setting: "key",
    file: "encrypted.der",
    make: "openssl pkcs8 -topk8 -in client.key -passout file:passphrase -outform der -out encrypted.der",
    says: /encrypted\.der is DER/,
    made: "encrypted.der.pem",
  },
  {
    setting: "cert",
    file: "chain.p7b",
    make: "openssl crl2pkcs7 -nocrl -certfile chain.pem -out chain.p7b",
    says: /chain\.p7b is a PKCS#7 file/,
    made: "chain.p7b.pem",
  },
  {
    setting: "ca",
    file: "ca.p7b",
    make: "openssl crl2pkcs7 -nocrl -certfile ca.pem -outform der -out ca.p7b",
    says: /ca\.p7b is a PKCS#7 file/,
    made: "ca.p7b.pem",
  },
  {
    setting: "cert",
    file: "posing.p7b",
    make: "openssl crl2pkcs7 -nocrl -certfile chain.pem | sed s/PKCS7/CERTIFICATE/ >posing.p7b",
    says: /posing\.p7b is a PKCS#7 file/,
  },
  {
    setting: "ca",
    file: "trust.p12",
    make: "openssl pkcs12 -export -nokeys -in ca.pem -passout file:passphrase -out trust.p12",
    says: /trust\.p12 is a PKCS#12 file, but PEM is needed/,
    made: "trust.p12.pem",
  },
  {
    setting: "cert",
    file: "given-as-cert.p12",
    make: "openssl pkcs12 -export -in chain.pem -inkey client.key -passout file:passphrase -out given-as-cert.p12",
    says: /name it in sink\.kafka\.tls\.pkcs12 and remove cert and key/,
  },
  {
    setting: "key",
    file: "given-as-key.p12",
    make: "cp given-as-cert.p12 given-as-key.p12",
    says: /name it in sink\.kafka\.tls\.pkcs12 and remove cert and key/,
  },
  {
    setting: "ca",
    file: "trust.jks",
    make: "keytool -importcert -noprompt -storetype JKS -storepass secret -keystore trust.jks -alias root -file root.pem",
    says: /trust\.jks is a Java key store/,
    made: "trust.jks.pem",
  },
  {
    setting: "cert",
    file: "utf16.pem",
    make: "iconv -f UTF-8 -t UTF-16 chain.pem >utf16.pem",
    says: /utf16\.pem is text in UTF-16/,
    made: "utf16.pem.pem",
  },
  {
    setting: "key",
    file: "utf16le.key",
    make: "iconv -f UTF-8 -t UTF-16LE client.key >utf16le.key",
    says: /utf16le\.key is text in UTF-16/,
    made: "utf16le.key.pem",
  },
  {
    setting: "cert",
    file: "client.key",
    make: "true",
    says: /holds a private key, not a certificate; were cert and key/,
  },
  {
    setting: "key",
    file: "client.pem",
    make: "true",
    says: /holds a certificate, not a private key; were cert and key/,
  },
  {
    setting: "cert",
    file: "client.csr",
    make: "openssl req -new -key client.key -subj /CN=client -out client.csr",
    says: /is a request for a certificate; name the certificate that the authority issued for it/,
  },
  { setting: "cert", file: "empty.pem", make: ": >empty.pem", says: /empty\.pem is empty; copy the file again/ },
  {
    setting: "ca",
    file: "cut.pem",
    make: "head -n 5 root.pem >cut.pem",
    says: /cut\.pem is cut off; copy the file again/,
  },
  {
    setting: "key",
    file: "noise.key",
    make: "head -c 99 root.pem | rev >noise.key",
    says: /is neither PEM nor PKCS#12/,
  },
  {
    setting: "key",
    file: "openssh.key",
    make: `printf -- '-----BEGIN OPENSSH PRIVATE KEY-----\\nAAAA\\n-----END OPENSSH PRIVATE KEY-----\\n' >openssh.key`,
    says: /in OpenSSH's form; convert it in place with: ssh-keygen -p -m PKCS8 -f /,
  },
  { setting: "cert", file: ".", make: "true", says: /cannot be read .*not a regular file but a directory/ },
  { setting: "key", file: "pipe", make: "mkfifo pipe", says: /cannot be read .*not a regular file but a pipe/ },
];

for (const { setting, file, make, says, made } of cases) {
  test(`${file} as ${setting} is named${made === undefined ? "" : ", and the command that is given converts it"}`, async () => {
    await world.pki.shell(make);
    const named = (name: string): TlsClientSettings => {
      const path = world.path(name);
      return world.settings({ [setting]: setting === "ca" ? [path] : path, passphrase: passphraseIn(world.secret) });
    };
    const error = refusal(named(file));
    assert.match(error, new RegExp(`^sink\\.kafka\\.tls\\.${setting}: `));
    assert.match(error, says);
    if (made === undefined) return;
    await world.pki.shell(commandIn(error));
    assert.deepEqual(errorsOf(named(made)), []);
    loadTls(named(made));
  });
}

test("a byte order mark of UTF-8, line ends of Windows and words between the blocks do no harm", async () => {
  const text = await readFile(world.path("chain.pem"), "utf8");
  const odd = `\uFEFF${text.replaceAll("\n", "\r\n").replaceAll("-----BEGIN", "Bag Attributes: <none>\r\n-----BEGIN")}`;
  await writeFile(world.path("odd.pem"), odd);
  await writeFile(world.path("odd.key"), `\uFEFF${await readFile(world.client.key, "utf8")}`);
  assert.deepEqual(inspectTls(world.settings({ cert: world.path("odd.pem"), key: world.path("odd.key") })), []);
  // All in one file, certificates first.
  const all = await world.join("all.pem", "chain.pem", "client.key");
  assert.deepEqual(inspectTls(world.settings({ cert: all, key: all })), []);
});

test("a chain with the issuer first, or after the key, is put in order by the command that is given", async () => {
  for (const [name, parts] of [
    ["reversed", ["root.pem", "middle.pem", "client.pem"]],
    ["keyed", ["client.key", "middle.pem", "client.pem"]],
  ] as const) {
    const wrong = await world.join(`${name}.pem`, ...parts);
    const error = refusal(world.settings({ cert: wrong }));
    assert.match(error, /the certificate of CN=client, which the key belongs to, is number \d in .* must be the first/);
    await world.pki.shell(commandIn(error));
    const right = world.settings({ cert: `${wrong}.new` });
    assert.deepEqual(inspectTls(right), []);
    const met = await handshake(right, world.chained, { requestCert: true });
    assert.deepEqual(met.sent.slice(0, 2), ["client", "middle"], name);
  }
  const mixed = await world.join("mixed.pem", "client.pem", "root.pem", "middle.pem");
  const [warning] = inspectTls(world.settings({ cert: mixed }));
  assert.equal(warning?.severity, "warning");
  assert.match(warning?.message ?? "", /are not in order/);
  await world.pki.shell(commandIn(warning?.message ?? ""));
  assert.deepEqual(inspectTls(world.settings({ cert: `${mixed}.new` })), []);
});

test("authorities are judged as the handshake judges them", async () => {
  const { chained, server } = world;
  const alone = { cert: world.path("alone.pem"), key: world.path("alone.key") };
  await world.join("root-and-other.pem", "root.pem", "other-root.pem");
  const verdicts: readonly (readonly [file: string, server: PkiEntry, says: RegExp | undefined])[] = [
    ["root.pem", chained, undefined],
    ["ca.pem", server, undefined],
    ["root-and-other.pem", chained, undefined],
    ["alone.pem", alone, undefined],
    [
      "middle.pem",
      chained,
      /CN=middle was issued by CN=root, whose own certificate is not among the trusted .*cat root\.pem >>/,
    ],
    ["server.pem", chained, /CN=server is not an authority's.*certificate of its issuer, CN=middle/],
  ];
  for (const [file, broker, says] of verdicts) {
    const of = world.settings({ ca: [world.path(file)], cert: undefined, key: undefined });
    const errors = errorsOf(of);
    const { refused } = await handshake(of, broker);
    assert.equal(errors.length > 0, refused !== undefined, `${file}: ${errors.join()} but ${refused ?? "it works"}`);
    if (says !== undefined) assert.match(errors.join(), says);
  }
  // Two files complete each other; a stray intermediate next to a good root is reported, and no more.
  assert.deepEqual(inspectTls(world.settings({ ca: [world.path("middle.pem"), world.path("root.pem")] })), []);
  const stray = inspectTls(world.settings({ ca: [await world.join("stray.pem", "other-root.pem", "middle.pem")] }));
  assert.deepEqual(stray.map(({ severity }) => severity).slice(0, 1), ["warning"]);
  // All of it expired: no broker is trusted any more.
  const later = Date.now() + 90 * 86_400_000;
  const ended = inspectTls(world.settings({ ca: [world.path("root.pem")], cert: undefined, key: undefined }), later);
  assert.deepEqual(
    ended.map(({ severity }) => severity),
    ["error"],
  );
  assert.match(ended[0]?.message ?? "", /CN=root expired on .*get a new one issued/);
});

test("a certificate that is for servers only, and one that belongs to another key", () => {
  const forServers = world.settings({ cert: world.path("for-servers.pem"), key: world.path("for-servers.key") });
  assert.match(
    errorsOf(forServers).join(),
    /CN=for-servers may not be used by a client .*extendedKeyUsage = clientAuth/,
  );
  assert.deepEqual(
    inspectTls(world.settings({ cert: world.path("for-both.pem"), key: world.path("for-both.key") })),
    [],
  );
  assert.match(refusal(world.settings({ key: world.server.key })), /belongs to another certificate than .*chain\.pem/);
  assert.match(refusal(world.settings({ key: undefined })), /cert and key belong together/);
});

const encrypted = {
  "rc2.key":
    "openssl rsa -provider legacy -provider default -in client.key -rc2 -traditional -passout file:passphrase -out rc2.key",
  "rc2-40.key":
    "openssl pkcs8 -topk8 -provider legacy -provider default -v1 PBE-SHA1-RC2-40 -in client.key -passout file:passphrase -out rc2-40.key",
  "des.key":
    "openssl pkcs8 -topk8 -provider legacy -provider default -v1 PBE-MD5-DES -in client.key -passout file:passphrase -out des.key",
};

for (const [file, make] of Object.entries(encrypted)) {
  test(`${file}, encrypted with an old algorithm, is converted by the command that is given`, async () => {
    await world.pki.shell(make);
    const key = world.path(file);
    for (const passphrase of [passphraseIn(world.secret), undefined]) {
      const error = refusal(world.settings({ key, passphrase }));
      assert.match(error, /sink\.kafka\.tls\.key: .* is encrypted with an old algorithm/);
      await world.pki.shell(commandIn(error));
      const converted = world.settings({ key: `${key}.new`, passphrase: passphraseIn(world.secret) });
      assert.deepEqual(inspectTls(converted), []);
      assert.match(await readFile(`${key}.new`, "utf8"), /BEGIN ENCRYPTED PRIVATE KEY/);
    }
  });
}

/** Made for this test. Decrypted without a pass phrase its padding is right by chance, and what comes out is not a key. */
const unluckyKey = `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjow2DrQS4p+AICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEEULkZl6W1zK/IJlnTS9DVYEQPnR
aPTT2MO/nqLxwy/YLNrA9QnJVVz3QlfIdRWVUSH6I8sL/m7jOlpS+8kfEtohBl9v
QiwP1gYcTmCcIt21cMo=
-----END ENCRYPTED PRIVATE KEY-----
`;

test("an encrypted key that no pass phrase seems to open as well is not taken for one with an old algorithm", async () => {
  const key = world.path("unlucky.key");
  await writeFile(key, unluckyKey);
  assert.match(refusal(world.settings({ key })), /unlucky\.key is encrypted; write its pass phrase to a file/);
});

test("an encrypted key whose pass phrase is missing, wrong, or cannot be read", async () => {
  await world.pki.shell("openssl pkey -in client.key -aes256 -passout file:passphrase -out aes.key");
  const key = world.path("aes.key");
  assert.deepEqual(inspectTls(world.settings({ key, passphrase: passphraseIn(world.secret) })), []);
  assert.match(
    refusal(world.settings({ key })),
    /aes\.key is encrypted; write its pass phrase to a file .*passphrase_file/,
  );
  const wrong = refusal(world.settings({ key, passphrase: passphraseIn(world.wrong) }));
  assert.match(wrong, /the pass phrase in .*wrong does not open the private key in .*aes\.key/);
  assert.doesNotMatch(wrong, /looking-glass/);
  const gone = refusal(world.settings({ key, passphrase: passphraseIn(world.path("gone")) }));
  assert.match(gone, /^sink\.kafka\.tls\.passphrase_file: /);
});
