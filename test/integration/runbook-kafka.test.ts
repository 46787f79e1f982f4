/** The commands of docs/runbook.md that are of Kafka, openssl and the system, run by a shell as they are there, with real brokers. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { Java } from "../../scripts/kafka/java.ts";
import { reasonCodes } from "../../daemon/telemetry/reason-codes.ts";
import { repositoryRoot } from "../../scripts/repository.ts";
import { makeCertificates, type Certificates } from "../rig/certificates.ts";
import { KafkaCluster } from "../rig/kafka-cluster.ts";
import { installKafkaTools } from "../rig/kafka-tools.ts";
import { TempDir } from "../rig/temp-dir.ts";

let directory: TempDir;
let files: Certificates;
let kafka: KafkaCluster;
before(async () => {
  directory = await TempDir.create();
  files = await makeCertificates(directory.path);
  const keyStore = files.server.store;
  kafka = await KafkaCluster.start({
    brokers: 3,
    authorizer: true,
    users: { alice: "wonderland" },
    properties: { "listener.name.old.ssl.enabled.protocols": "TLSv1.2" },
    listeners: { SECURE: { keyStore }, OLD: { keyStore } },
  });
  installKafkaTools(Java.provide(), directory.join("bin"));
});
after(async () => {
  await kafka?.[Symbol.asyncDispose]();
  await directory?.[Symbol.asyncDispose]();
});

/** Commands of the blocks, and those of Kafka in the text, each once. */
function commandsOf(): string[] {
  const text = readFileSync(join(repositoryRoot, "docs/runbook.md"), "utf8");
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = ""]) => block);
  const inline = [...text.matchAll(/`(kafka-[a-z-]+\.sh [^`]+)`/g)].map(([, command = ""]) => command);
  return [...new Set([...blocks.flatMap((block) => block.trimEnd().split("\n")), ...inline])];
}

/** Those of the forwarder have tests of their own (runbook.test.ts). */
const ofForwarder = /^(?:wazuh-dfn|curl) /;
/** What needs systemd, the package's user or the kernel's log, and of which nothing is ours. */
const ofSystem = /^(?:systemctl|timedatectl|dmesg|id|journalctl)\b/;

interface Attempt {
  readonly command: string;
  /** Of all that it prints. */
  readonly prints: RegExp;
  /** In place of the plain one. */
  readonly listener?: string;
  /** It says by its exit code that something is wrong. */
  readonly fails?: true;
}

/** In an order in which each finds something; broker 3 is stopped before those with `isDown`. */
const attempts: readonly (Attempt & { readonly isDown?: true })[] = [
  { command: "getent hosts BROKER", prints: /localhost/ },
  { command: "timeout 5 bash -c '</dev/tcp/BROKER/PORT' && echo open", prints: /^open$/m },
  {
    command: "openssl s_client -connect BROKER:PORT -servername BROKER </dev/null",
    listener: "SECURE",
    prints: /CN ?= ?server[^]*New, TLSv1\.3/,
  },
  {
    command: "openssl s_client -connect BROKER:PORT -servername BROKER -CAfile /etc/wazuh-dfn/ca.pem </dev/null",
    listener: "SECURE",
    prints: /Verify return code: 0 \(ok\)|Verification: OK/,
  },
  { command: "openssl s_client -connect BROKER:PORT -tls1_2 </dev/null", listener: "OLD", prints: /New, TLSv1\.2/ },
  {
    command: "openssl s_client -connect BROKER:PORT -tls1_3 </dev/null",
    listener: "OLD",
    prints: /alert protocol version/,
    fails: true,
  },
  {
    command: "openssl s_client -connect BROKER:PORT -tls1_2 </dev/null | grep -i cipher",
    listener: "OLD",
    prints: /Cipher is ECDHE-/,
  },
  { command: "openssl x509 -enddate -noout -in /etc/wazuh-dfn/cert.pem", prints: /^notAfter=\w{3} /m },
  { command: "openssl x509 -enddate -noout -in /etc/wazuh-dfn/status-cert.pem", prints: /^notAfter=\w{3} /m },
  { command: "kafka-broker-api-versions.sh --bootstrap-server BROKER:PORT | head -3", prints: /Produce\(0\): / },
  {
    command:
      "kafka-topics.sh --bootstrap-server BROKER:PORT --create --topic TOPIC --partitions 3 --replication-factor 3",
    prints: /^Created topic acme\.$/m,
  },
  {
    command: "kafka-topics.sh --bootstrap-server BROKER:PORT --describe --topic TOPIC",
    prints: /PartitionCount: 3\s+ReplicationFactor: 3/,
  },
  {
    command: "kafka-configs.sh --bootstrap-server BROKER:PORT --describe --entity-type topics --entity-name TOPIC",
    prints: /^Dynamic configs for topic acme are:$/m,
  },
  {
    command: "kafka-configs.sh --bootstrap-server BROKER:PORT --describe --entity-type users",
    prints: /user-principal 'alice' are SCRAM-SHA-/,
  },
  {
    command: "kafka-configs.sh --bootstrap-server BROKER:PORT --describe --entity-type clients",
    prints: /client-id 'wazuh-dfn' are [^\n]*consumer_byte_rate=100000/,
  },
  {
    command:
      "kafka-acls.sh --bootstrap-server BROKER:PORT --add --allow-principal User:NAME --operation IdempotentWrite --cluster",
    prints: /principal=User:forwarder, host=\*, operation=IDEMPOTENT_WRITE/,
  },
  {
    command: "kafka-acls.sh --bootstrap-server BROKER:PORT --list",
    prints: /resourceType=CLUSTER[^]*operation=IDEMPOTENT_WRITE/,
  },
  {
    command:
      "kafka-acls.sh --bootstrap-server BROKER:PORT --add --allow-principal User:NAME --operation Write --operation Describe --operation Read --topic TOPIC",
    prints: /resourceType=TOPIC, name=acme/,
  },
  {
    command: "kafka-acls.sh --bootstrap-server BROKER:PORT --list --topic TOPIC",
    prints: /(?=[^]*operation=WRITE)(?=[^]*operation=DESCRIBE)(?=[^]*operation=READ)/,
  },
  {
    command: "kafka-topics.sh --bootstrap-server BROKER:PORT --describe --unavailable-partitions",
    prints: /Topic: alone\s+Partition: 0\s+Leader: none/,
    isDown: true,
  },
  {
    command: "kafka-topics.sh --bootstrap-server BROKER:PORT --describe --under-min-isr-partitions",
    prints: /Topic: two\s+Partition: 0/,
    isDown: true,
  },
  { command: "ls -l /var/ossec/logs/alerts/", prints: /alerts\.json/ },
  { command: "ls -l /var/ossec/logs/alerts/alerts.json", prints: /alerts\.json/ },
  { command: "/var/ossec/bin/wazuh-control status", prints: /wazuh-analysisd is running/ },
  { command: "grep jsonout_output /var/ossec/etc/ossec.conf", prints: /<jsonout_output>yes</ },
  { command: "gzip -t FILE", prints: /unexpected end of file/, fails: true },
  { command: "df -h /var/lib/wazuh-dfn", prints: /Avail/ },
  { command: "du -sh /var/lib/wazuh-dfn/*", prints: /dead-letters$/m },
  { command: "du -sh /var/lib/wazuh-dfn/dead-letters", prints: /dead-letters$/m },
  { command: "ls -ld /var/lib/wazuh-dfn", prints: /^d/ },
  { command: "ls -ld /var/lib/wazuh-dfn /var/lib/wazuh-dfn/dead-letters", prints: /dead-letters$/m },
  { command: "ls -l /var/lib/wazuh-dfn/dead-letters", prints: /total/ },
  { command: "ls -l /etc/wazuh-dfn", prints: /cert\.pem/ },
];

/** The places that the run book names, below a directory. */
function makePlaces(): void {
  const { path } = directory;
  for (const place of ["etc", "lib/dead-letters", "ossec/logs/alerts", "ossec/bin", "ossec/etc"])
    mkdirSync(join(path, place), { recursive: true });
  for (const [name, from] of [
    ["ca.pem", files.ca],
    ["cert.pem", files.client.cert],
    ["status-cert.pem", files.server.cert],
  ] as const)
    writeFileSync(join(path, "etc", name), readFileSync(from));
  writeFileSync(join(path, "ossec/logs/alerts/alerts.json"), "");
  writeFileSync(join(path, "ossec/etc/ossec.conf"), "<global><jsonout_output>yes</jsonout_output></global>\n");
  const control = "#!/bin/sh\necho 'wazuh-analysisd is running...'\n";
  writeFileSync(join(path, "ossec/bin/wazuh-control"), control, { mode: 0o755 });
  writeFileSync(join(path, "damaged.gz"), gzipSync("x".repeat(1000)).subarray(0, 20));
}

function filled({ command, listener }: Attempt): string {
  const [, port = ""] = ((listener === undefined ? kafka.addresses : kafka.addressesOf(listener))[0] ?? "").split(":");
  const { path } = directory;
  return command
    .replaceAll("BROKER", "localhost")
    .replaceAll("PORT", port)
    .replaceAll("TOPIC", "acme")
    .replaceAll("NAME", "forwarder")
    .replaceAll("FILE", join(path, "damaged.gz"))
    .replaceAll("/etc/wazuh-dfn", join(path, "etc"))
    .replaceAll("/var/lib/wazuh-dfn", join(path, "lib"))
    .replaceAll("/var/ossec", join(path, "ossec"));
}

/** What a shell prints, both of it, and the exit code. */
function shell(command: string): Promise<{ readonly text: string; readonly code: number }> {
  const env = { PATH: `${directory.join("bin")}:${process.env["PATH"] ?? ""}` };
  return new Promise((resolve, reject) => {
    execFile("bash", ["-o", "pipefail", "-c", command], { env, timeout: 120_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (typeof code === "number") resolve({ code, text: `${stdout}${stderr}` });
      else reject(error ?? new Error("it did not end"));
    });
  });
}

test("each command of the run book that is not the forwarder's runs as it is there, and shows what it is for", async () => {
  makePlaces();
  await kafka.createTopic("alone", { partitions: 1, replicationFactor: 1 });
  await kafka.createTopic("two", { partitions: 1, replicationFactor: 2 });
  await kafka.placeReplicas("alone", [[3]]);
  await kafka.placeReplicas("two", [[3, 1]]);
  const quota = "--alter --add-config consumer_byte_rate=100000 --entity-type clients --entity-name wazuh-dfn";
  const set = await shell(filled({ command: `kafka-configs.sh --bootstrap-server BROKER:PORT ${quota}`, prints: /./ }));
  assert.equal(set.code, 0, set.text);
  let isDown = false;
  for (const attempt of attempts) {
    if (attempt.isDown === true && !isDown) await kafka.stopBroker(3);
    isDown ||= attempt.isDown === true;
    const command = filled(attempt);
    const { code, text } = await shell(command);
    assert.equal(code === 0, attempt.fails !== true, `${command} ended with ${code}:\n${text}`);
    assert.match(text, attempt.prints, command);
  }
});

test("what the run book looks for in the log is the code of a reason, or a level", () => {
  const codes: readonly string[] = reasonCodes;
  const looks = commandsOf().flatMap((command) => /^journalctl .*\| grep (.*)$/.exec(command)?.[1] ?? []);
  assert.ok(looks.length > 5, looks.join("\n"));
  for (const look of looks) {
    const code = /^'"code":"([a-z-]+)"'$/.exec(look)?.[1];
    assert.ok(code === undefined ? look === `-E '"level":"(warn|error)"'` : codes.includes(code), look);
  }
});

test("no command of the run book is untried", () => {
  const known = new Set(attempts.map(({ command }) => command));
  const others = commandsOf().filter((command) => !ofForwarder.test(command) && !ofSystem.test(command));
  assert.deepEqual(
    others.filter((command) => !known.has(command)),
    [],
  );
  assert.deepEqual(
    [...known].filter((command) => !others.includes(command)),
    [],
  );
});
