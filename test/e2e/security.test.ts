import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { makeCertificates, type Certificates } from "../rig/certificates.ts";
import { KafkaCluster } from "../rig/kafka-cluster.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { World, type Settings } from "../rig/world.ts";

const password = "a long secret";
let directory: TempDir;
let certificates: Certificates;
let kafka: KafkaCluster;

before(async () => {
  directory = await TempDir.create();
  certificates = await makeCertificates(directory.path);
  const { ca, server, wrongHostServer, expiredServer } = certificates;
  kafka = await KafkaCluster.start({
    users: { alice: password },
    listeners: {
      MUTUAL: { keyStore: server.store, clientCa: ca },
      ONEWAY: { keyStore: server.store },
      WRONGHOST: { keyStore: wrongHostServer.store },
      EXPIRED: { keyStore: expiredServer.store },
      SASL: { keyStore: server.store, sasl: true },
    },
  });
});
after(async () => {
  await kafka[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

function sink(listener: string, tls: object | string, sasl?: object): Settings {
  return { sink: { kafka: { brokers: kafka.addressesOf(listener), tls, ...(sasl !== undefined && { sasl }) } } };
}

const ourFiles = (): object => ({ cert: certificates.client.cert, key: certificates.client.key });

/** What has to arrive arrives. */
async function assertDelivers(settings: Settings): Promise<void> {
  await using world = await World.create(kafka);
  const forwarder = await world.startForwarder(settings);
  world.analysisd.emit(50);
  const { judgement } = await world.everythingDelivered(forwarder);
  assert.equal(judgement.twice, 0);
  assert.ok(!forwarder.errorLines.some((line) => line.includes(password)));
}

/** The forwarder runs, reports what is wrong, sends nothing, and everything follows when the settings are fixed. */
async function assertWaits(wrong: Settings, reason: RegExp, corrected: Settings): Promise<void> {
  await using world = await World.create(kafka);
  const waiting = await world.startForwarder(wrong);
  world.analysisd.emit(50);
  world.analysisd.flush();
  await waiting.waitForLog(reason);
  assert.equal(await kafka.recordCount(world.topic), 0);
  assert.equal((await waiting.stop()).ended, 0, waiting.errorLines.slice(-10).join("\n"));
  assert.ok(!waiting.errorLines.some((line) => line.includes(password)));
  const forwarder = await world.startForwarder(corrected);
  const { judgement } = await world.everythingDelivered(forwarder);
  assert.equal(judgement.twice, 0);
}

test("mutual TLS works with an authority of our own in addition to the system's", () =>
  assertDelivers(sink("MUTUAL", { ...ourFiles(), ca: certificates.ca })));

test("mutual TLS works with our authority alone, as one of a list", () =>
  assertDelivers(sink("MUTUAL", { ...ourFiles(), ca: [certificates.otherCa, certificates.ca], ca_only: true })));

test("a key with a pass phrase is opened with the one in a file", async () => {
  const file = directory.join("passphrase");
  writeFileSync(file, "secret\n", { mode: 0o600 });
  const { ca, client, encryptedClientKey: key } = certificates;
  await assertDelivers(sink("MUTUAL", { ca, cert: client.cert, key, passphrase_file: file }));
});

test("a server that does not require a client certificate is used without one", () =>
  assertDelivers(sink("ONEWAY", { ca: certificates.ca })));

test("brokers whose authority is unknown are not trusted", async () => {
  const corrected = sink("ONEWAY", { ca: certificates.ca });
  await assertWaits(sink("ONEWAY", "on"), /self.signed|unable to (get|verify)/i, corrected);
  await assertWaits(sink("ONEWAY", { ca: certificates.otherCa, ca_only: true }), /self.signed|unable to/i, corrected);
});

test("a broker with the certificate of another host is not trusted, unless that name is configured", () =>
  assertWaits(
    sink("WRONGHOST", { ca: certificates.ca }),
    /Hostname\/IP does not match/,
    sink("WRONGHOST", { ca: certificates.ca, server_name: "kafka.example.org" }),
  ));

test("a broker with an expired certificate is not trusted", () =>
  assertWaits(sink("EXPIRED", { ca: certificates.ca }), /expired/, sink("ONEWAY", { ca: certificates.ca })));

test("a broker that rejects our certificate is reported, and nothing is lost", async () => {
  const { ca, otherCaClient } = certificates;
  const corrected = sink("MUTUAL", { ...ourFiles(), ca });
  await assertWaits(sink("MUTUAL", { ca, cert: otherCaClient.cert, key: otherCaClient.key }), /certificate/, corrected);
  await assertWaits(sink("MUTUAL", { ca }), /certificate/, corrected);
});

test("an expired certificate of our own is reported, and nothing is lost", () => {
  const { ca, expiredClient } = certificates;
  const expired = sink("MUTUAL", { ca, cert: expiredClient.cert, key: expiredClient.key });
  return assertWaits(expired, /expired/, sink("MUTUAL", { ...ourFiles(), ca }));
});

test("a key that belongs to another certificate is refused at the start and by check, and both files are named", async () => {
  const { ca, client, otherCaClient } = certificates;
  const wrong = sink("MUTUAL", { ca, cert: client.cert, key: otherCaClient.key });
  await using world = await World.create(kafka);
  for (const command of ["run", "check"]) {
    const program = world.command(command, [], wrong);
    assert.equal(await program.end(), 78);
    const said = [...program.errorLines, ...program.outputLines].join("\n");
    assert.ok(said.includes(client.cert) && said.includes(otherCaClient.key), said);
  }
});

/** Path of a file that holds the password as its only line. */
function passwordFile(name: string, text: string): string {
  writeFileSync(directory.join(name), `${text}\n`, { mode: 0o600 });
  return directory.join(name);
}

for (const mechanism of ["plain", "scram-sha-256", "scram-sha-512"]) {
  test(`SASL ${mechanism} works over TLS, and a wrong password is reported without being shown`, async () => {
    const tls = { ca: certificates.ca };
    const user = { mechanism, username: "alice" };
    const right = sink("SASL", tls, { ...user, password_file: passwordFile("right", password) });
    const wrong = sink("SASL", tls, { ...user, password_file: passwordFile("wrong", `not ${password}`) });
    await assertWaits(wrong, /authentication/i, right);
  });
}
