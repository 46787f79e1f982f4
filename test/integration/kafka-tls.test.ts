import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import kafkajs, { type AclEntry } from "kafkajs";
import type { SaslCredentials } from "../../daemon/sinks/kafka/connection/options.ts";
import { inspectTls } from "../../daemon/sinks/kafka/tls/inspection.ts";
import { defaultCiphers } from "../../daemon/sinks/kafka/tls/protocol.ts";
import { loadTls, type TlsClientSettings } from "../../daemon/sinks/kafka/tls/tls.ts";
import { writeRecords } from "../rig/batches.ts";
import { makeCertificates, type Certificates } from "../rig/certificates.ts";
import { eventually } from "../rig/eventually.ts";
import { KafkaCluster } from "../rig/kafka-cluster.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { Lines, openSink, record, summary } from "../unit/sinks/kafka/rig.ts";

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

let directory: TempDir;
let files: Certificates;
let kafka: KafkaCluster;
before(async () => {
  directory = await TempDir.create();
  files = await makeCertificates(directory.path);
  kafka = await KafkaCluster.start({
    brokers: 1,
    authorizer: true,
    users: { alice: "wonder land", bob: "builder" },
    properties: { "listener.name.old.ssl.enabled.protocols": "TLSv1.2" },
    listeners: {
      MUTUAL: { keyStore: files.server.store, clientCa: files.ca },
      SASL: { keyStore: files.server.store, sasl: true },
      OLD: { keyStore: files.server.store, clientCa: files.ca },
      EXPIRED: { keyStore: files.expiredServer.store },
      WRONGHOST: { keyStore: files.wrongHostServer.store },
    },
  });
  await kafka.createTopic("open", { partitions: 1 });
  await kafka.allow(["client", "alice"].flatMap((user) => [permission(user, "READ"), permission(user, "WRITE")]));
});
after(async () => {
  await kafka[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

function permission(user: string, operation: "READ" | "WRITE", topic = "open"): AclEntry {
  return {
    resourceType: AclResourceTypes.TOPIC,
    resourceName: topic,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: `User:${user}`,
    host: "*",
    operation: AclOperationTypes[operation],
    permissionType: AclPermissionTypes.ALLOW,
  };
}

function tls(changes: Partial<TlsClientSettings> = {}): TlsClientSettings {
  const none = { cert: undefined, key: undefined, pkcs12: undefined, passphrase: undefined, serverName: undefined };
  const protocol = { minVersion: "TLSv1.2", ciphers: defaultCiphers } as const;
  return { ca: [files.ca], caOnly: false, ...none, ...protocol, ...changes };
}

const passphrase = (text: string) => ({ file: "/the/passphrase", read: () => text });

const mutual = (): TlsClientSettings => tls({ cert: files.client.cert, key: files.client.key });

async function writes(listener: string, settings: TlsClientSettings, sasl?: SaslCredentials): Promise<void> {
  await using sink = openSink(kafka.addressesOf(listener), { tls: settings, sasl });
  const outcomes = await writeRecords(sink, "open", 0, [record("1")]);
  assert.equal(outcomes[0]?.kind, "acknowledged");
}

/** The sink keeps trying; the log says what is wrong, at error level. */
async function complains(
  listener: string,
  settings: TlsClientSettings,
  pattern: RegExp,
  sasl?: SaslCredentials,
): Promise<void> {
  const lines = new Lines();
  await using sink = openSink(kafka.addressesOf(listener), { tls: settings, sasl }, lines.log);
  const written = assert.rejects(writeRecords(sink, "open", 0, [record("1")]), {
    name: "AbortError",
  });
  await eventually(String(pattern), () => lines.matching(/^error Kafka: /).length > 0);
  assert.match(lines.matching(/^error Kafka: /)[0] ?? "", pattern);
  await sink[Symbol.asyncDispose]();
  await written;
}

test("mutual TLS, with our authority in addition to the system's or alone", async () => {
  await writes("MUTUAL", mutual());
  await writes("MUTUAL", { ...mutual(), caOnly: true });
});

test("a key with a pass phrase", async () => {
  await writes("MUTUAL", { ...mutual(), key: files.encryptedClientKey, passphrase: passphrase("secret") });
});

test("PKCS#12 with a pass phrase", async () => {
  const pkcs12 = directory.join("client.p12");
  const from = ["-in", files.client.cert, "-inkey", files.client.key, "-certfile", files.ca];
  await promisify(execFile)("openssl", ["pkcs12", "-export", ...from, "-passout", "pass:secret", "-out", pkcs12]);
  await writes("MUTUAL", tls({ pkcs12, passphrase: passphrase("secret") }));
});

test("TLS 1.2 with the default ciphers, and 1.3 alone", async () => {
  await writes("OLD", mutual());
  await writes("MUTUAL", { ...mutual(), minVersion: "TLSv1.3" });
  await complains("OLD", { ...mutual(), minVersion: "TLSv1.3" }, /older than min_version.*ssl\.enabled\.protocols/);
});

// By TLS 1.3 the alert is `certificate required` (RFC 8446, section 6.2); Java's updates have sent it since November 2026.
test("no client certificate when the broker requires one", () =>
  complains(
    "MUTUAL",
    tls(),
    /does not accept our certificate.*alert (?:bad certificate|certificate required); check sink\.kafka\.tls.*wazuh-dfn check/,
  ));

test("a client certificate of an authority that the broker does not know", () =>
  complains(
    "MUTUAL",
    tls({ cert: files.otherCaClient.cert, key: files.otherCaClient.key }),
    /alert.*sink\.kafka\.tls/,
  ));

test("a broker's certificate of an unknown authority", () =>
  complains("SASL", tls({ ca: [files.otherCa] }), /(self-signed|unable to verify).*ca for the brokers' certificates/));

test("a broker's certificate that has expired", () => complains("EXPIRED", tls(), /expired/));

test("a broker's certificate for another host, unless its name is given", async () => {
  await complains("WRONGHOST", tls(), /altnames.*server_name/);
  const lines = new Lines();
  await using sink = openSink(
    kafka.addressesOf("WRONGHOST"),
    { tls: tls({ serverName: "kafka.example.org" }) },
    lines.log,
  );
  sink.partitions("open");
  await eventually("a connection", () => sink.status().isConnected);
});

for (const mechanism of ["plain", "scram-sha-256", "scram-sha-512"] as const) {
  test(`SASL ${mechanism}`, () =>
    writes("SASL", tls(), { mechanism, username: "alice", password: () => "wonder land" }));

  test(`SASL ${mechanism} with a wrong password, which the log does not show`, async () => {
    const sasl = { mechanism, username: "alice", password: () => "looking-glass" };
    await complains("SASL", tls(), /^(?!.*looking-glass).*authentication failed.*sink\.kafka\.sasl/i, sasl);
  });
}

test("a password that is corrected is used without a restart", async () => {
  let password = "looking-glass";
  const lines = new Lines();
  const sasl = { mechanism: "plain", username: "alice", password: () => password } as const;
  await using sink = openSink(kafka.addressesOf("SASL"), { tls: tls(), sasl }, lines.log);
  sink.partitions("open");
  await eventually("the alarm", () => lines.matching(/authentication failed/i).length > 0);
  password = "wonder land";
  await eventually("a connection", () => sink.status().isConnected);
});

test("a missing permission to write is reported with its remedy, and over as soon as it is granted", async () => {
  const lines = new Lines();
  await kafka.createTopic("closed", { partitions: 1 });
  const sasl = { mechanism: "plain", username: "bob", password: () => "builder" } as const;
  await using sink = openSink(kafka.addressesOf("SASL"), { tls: tls(), sasl }, lines.log);
  const written = writeRecords(sink, "closed", 0, [record("1")]);
  await eventually(
    "the alarm",
    () => lines.matching(/^error topic closed: .*AUTHORIZATION.*Write and Describe/).length > 0,
  );
  await kafka.allow([permission("bob", "WRITE", "closed")]);
  assert.deepEqual(summary(await written), [0]);
  const { shipped, refusal, next } = await sink.lookup(["closed"], { "closed/0": 0 });
  assert.equal(shipped, undefined, "Write does not include Read");
  assert.match(refusal ?? "", /operation Read/);
  assert.deepEqual(next, { "closed/0": 1 });
});

test("replaced certificates are used without a restart; with unusable ones the former stay in use", async () => {
  const lines = new Lines();
  const [cert, key] = [directory.join("own.pem"), directory.join("own.key")];
  await copyFile(files.otherCaClient.cert, cert);
  await copyFile(files.otherCaClient.key, key);
  await using sink = openSink(kafka.addressesOf("MUTUAL"), { tls: tls({ cert, key }) }, lines.log);
  const written = writeRecords(sink, "open", 0, [record("1")]);
  await eventually("the alarm", () => lines.matching(/^error Kafka: .*alert/).length > 0);
  await writeFile(cert, "nothing of use");
  await eventually("the complaint", () => lines.matching(/^error .*own\.pem is neither PEM nor.*previous/).length > 0);
  await copyFile(files.client.cert, cert);
  await copyFile(files.client.key, key);
  assert.equal((await written)[0]?.kind, "acknowledged");
  assert.ok(lines.matching(/^info .*certificates were replaced/).length > 0);
});

/** What the inspection says about the settings that work, with these changes. */
function findings(changes: Partial<TlsClientSettings>, now?: number): string {
  const found = inspectTls({ ...mutual(), ...changes }, now);
  return found.map(({ severity, message }) => `${severity} ${message}`).join("\n");
}

const pairOf = ({ cert, key }: Certificates["client"]) => ({ cert, key });

test("inspection reports nothing if everything is in order", () => {
  assert.equal(findings({}, Date.now() + 60_000), "");
});

test("inspection names every kind of problem with file and remedy", async () => {
  const damaged = directory.join("damaged.pem");
  await writeFile(damaged, (await readFile(files.ca, "utf8")).replace(/[A-Za-z]{12}/, "AAAAAAAAAAAA"));
  assert.match(findings({ key: files.server.key }), /error .*server\.key belongs to another certificate/);
  assert.match(findings(pairOf(files.expiredClient)), /error .*expired-client.* expired on .*new one/);
  assert.match(findings(pairOf(files.otherCaClient)), /^warning .*issued by CN=other-ca/);
  assert.match(findings({ ca: [directory.join("absent.pem")] }), /error .*absent\.pem cannot be read/);
  assert.match(findings({ ca: [files.client.key] }), /error .*holds a private key, not a certificate/);
  assert.match(findings({ ca: [damaged] }), /error .*damaged/);
  assert.match(findings({ key: files.encryptedClientKey }), /error .*is encrypted; write its pass phrase/);
  assert.match(findings({ ca: [], caOnly: true }), /error .*ca_only/);
  assert.match(findings({}, Date.parse("2100-01-01")), /error .*expired on/);
  assert.match(findings({}, Date.now() + 20 * 86_400_000), /^warning .*expires in \d+ days/);
});

test("loading names setting, file and remedy", () => {
  assert.throws(() => loadTls(tls({ cert: files.client.cert })), {
    code: "CONFIG",
    message: /cert and key belong together/,
  });
  assert.throws(() => loadTls(tls({ cert: files.client.cert, key: files.server.key })), { code: "CONFIG" });
  assert.equal(loadTls(mutual()).rejectUnauthorized, true);
});
