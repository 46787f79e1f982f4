/**
 * The pages for a new user, followed literally on the very paths that they name, with the real package in a Debian that
 * systemd has booted: every command, in order, with checks of what it did in between.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, chown, copyFile, cp, mkdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { makeCertificates, type Certificates } from "../rig/certificates.ts";
import { DatagramReceiver } from "../rig/datagram-receiver.ts";
import type { DebianRoot } from "../rig/debian-root.ts";
import { eventually } from "../rig/eventually.ts";
import { skip } from "../rig/install-world.ts";
import { KafkaCluster } from "../rig/kafka-cluster.ts";
import { blocksOf, textOf } from "../rig/page.ts";
import { present } from "../rig/present.ts";
import { readTopic } from "../rig/read-topic.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { changesBetween, snapshotOf } from "../rig/tree-snapshot.ts";
import { AlertMaker } from "../rig/wazuh/alerts.ts";
import { Analysisd } from "../rig/wazuh/analysisd.ts";
import { InstallableManager, wazuhId } from "../rig/wazuh/installable-manager.ts";
import { Ledger } from "../rig/wazuh/ledger.ts";
import { DebianImage } from "./debian-image.ts";
import { placePythonDaemon, sendAsPythonDaemon } from "./python-daemon.ts";

let image: DebianImage;
let directory: TempDir;
let certificates: Certificates;
before(async () => {
  directory = await TempDir.create();
  certificates = await makeCertificates(directory.path);
  image = await DebianImage.make();
});
after(async () => {
  await image[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

/** What dpkg, apt, systemd and this test write. */
const noise =
  /^(?:dev|proc|root|run|sys|tmp|var\/cache|var\/lib\/(?:apt|dpkg|systemd)|var\/log|var\/tmp)(?:\/|$)|^etc\/(?:[a-z]+-|\.pwd\.lock|\.updated|machine-id|ld\.so\.cache|hostname|resolv\.conf|systemd\/system\/default\.target\.wants)$|^var\/(?:\.updated|ossec\/(?:logs\/|var\/run|queue\/sockets\/)|lib\/private)/;

/** Both end with what they found, which may be that a Kafka does not answer, or not yet. */
function tolerant(commands: string): string {
  return commands.replaceAll(/^wazuh-dfn (?:status|doctor)$/gm, "$& || echo $& $?");
}

/** Copies a file into the Debian. */
async function place(debian: DebianRoot, source: string, path: string, mode: number, gid = 0): Promise<void> {
  const target = join(debian.path, path);
  await mkdir(dirname(target), { recursive: true });
  await copyFile(source, target);
  await chown(target, 0, gid);
  await chmod(target, mode);
}

/** Examined while it runs: each answer follows its name in the output. */
const probes = `
pid=$(systemctl show --property MainPID --value wazuh-dfn)
echo "probe user: $(stat -c '%U:%G' /proc/$pid)"
grep -E '^(NoNewPrivs|CapEff|CapBnd|Seccomp):' /proc/$pid/status
echo "probe home: $(ls -m /proc/$pid/root/var/ossec)"
touch /proc/$pid/root/var/ossec/logs/alerts/x 2>&1
echo '{"timestamp":"2026-11-21T10:00:00.000+0000","rule":{"level":3},"id":"1.1","location":"x"}' >>/var/ossec/logs/alerts/alerts.json
for try in $(seq 240); do
  wazuh-dfn status --json | tr -d ' \\n' | grep -o '"tail":{"read":1' && break
  sleep 0.5
done
echo '{"timestamp":"2026-11-21T10:00:01.000+0000","rule":{"level":3},"id":"1.2","location":"x"}' >/tmp/alert
# It waits 50 ms for its answer, which a busy machine takes longer for.
for try in $(seq 240); do
  setpriv --reuid=${wazuhId} --regid=${wazuhId} --clear-groups /var/ossec/integrations/custom-dfn /tmp/alert "" unix:/run/wazuh-dfn/alerts.sock debug >/tmp/answer
  grep 'ignored 1\\.2' /tmp/answer && break
done
# No Kafka answers here: it is degraded after a while, and reports that to Wazuh.
for try in $(seq 120); do
  wazuh-dfn status --json | tr -d ' \\n' | grep -o '"feedback":{[^}]*"sent":[1-9]' && break
  sleep 2
done
echo "probe timers: $(systemctl list-timers --no-pager | grep listed)"
echo "probe restarts: $(grep -c . /var/ossec/var/run/restarts)"
`;

/** While systemd passes the key on: who can read it, and whether the forwarder uses it. */
const credentialProbes = `
echo "probe key: $(stat -c '%U:%G %a' /etc/wazuh-dfn/key.pem), $(systemctl is-active wazuh-dfn)"
credential=/run/credentials/wazuh-dfn.service/key.pem
grep -q "$credential" /etc/wazuh-dfn/config.yaml && cmp "$credential" /root/key.pem && echo "probe key: handed over"
setpriv --reuid=wazuh-dfn --regid=wazuh --clear-groups cat /etc/wazuh-dfn/key.pem 2>&1 | sed "s/^/probe forwarder: /"
setpriv --reuid=${wazuhId} --regid=${wazuhId} --clear-groups cat "$credential" 2>&1 | sed "s/^/probe wazuh: /"
setpriv --reuid=wazuh-dfn --regid=wazuh --clear-groups sh -c ': >/run/credentials/wazuh-dfn.service/key.pem' 2>&1 | sed "s/^/probe write: /"
wazuh-dfn check; echo "probe check: $?"
# A password too.
echo secret >/etc/wazuh-dfn/password && chmod 0400 /etc/wazuh-dfn/password
cat >/etc/systemd/system/wazuh-dfn.service.d/password.conf <<'END'
[Service]
LoadCredential=password:/etc/wazuh-dfn/password
Environment=WAZUH_DFN_SINK__KAFKA__SASL__MECHANISM=plain WAZUH_DFN_SINK__KAFKA__SASL__USERNAME=dfn
Environment=WAZUH_DFN_SINK__KAFKA__SASL__PASSWORD_FILE=/run/credentials/wazuh-dfn.service/password
END
systemctl daemon-reload && systemctl restart wazuh-dfn
echo "probe password: $(systemctl is-active wazuh-dfn) $(wc -c </run/credentials/wazuh-dfn.service/password)"
rm /etc/systemd/system/wazuh-dfn.service.d/password.conf /etc/wazuh-dfn/password
`;

test(
  "docs/install.md, followed literally, installs, runs under the unit's hardening, upgrades and leaves no trace",
  { skip },
  async () => {
    await using debian = await image.copy();
    const manager = await InstallableManager.at(debian.path);
    await manager.write("var/ossec/logs/alerts/alerts.json", "", 0o640, wazuhId, wazuhId);
    await copyFile(certificates.ca, join(debian.path, "root/ca.pem"));
    await copyFile(certificates.client.cert, join(debian.path, "root/cert.pem"));
    await copyFile(certificates.client.key, join(debian.path, "root/key.pem"));
    using queue = new DatagramReceiver(join(debian.path, "var/ossec/queue/sockets/queue"));
    await manager.own("var/ossec/queue/sockets/queue", 0o660);
    const before = await snapshotOf(debian.path, noise);

    const blocks = blocksOf("docs/install.md");
    const watched = blocks.findIndex((block) => block.includes("wazuh-dfn doctor"));
    const handedOver = blocks.findIndex((block) => block.includes("LoadCredential="));
    assert.ok(watched > 0 && handedOver > watched);
    const probesAfter = new Map([
      [watched, probes],
      [handedOver, credentialProbes],
    ]);
    const steps = blocks.map((block, index) => {
      const commands = tolerant(block);
      return `echo "block ${index}"\n(set -ex\n${commands}) || echo "failed: block ${index}"\n${probesAfter.get(index) ?? ""}`;
    });
    const output = await debian.runBooted(steps.join("\n"));
    assert.doesNotMatch(output, /failed: block/, output);
    assert.match(output, new RegExp(`^block ${blocks.length - 1}$`, "m"));
    assert.match(output, /Active: active \(running\)/);
    assert.match(output, /probe user: wazuh-dfn:wazuh/);
    assert.match(output, /NoNewPrivs:\s1\b/);
    assert.match(output, /CapBnd:\s0+$/m);
    assert.match(output, /Seccomp:\s2\b/);
    assert.match(output, /probe home: logs, queue$/m);
    assert.match(output, /touch: .*Read-only file system/);
    assert.match(output, /"tail":\{"read":1/, "alerts.json is read");
    assert.match(output, /ignored 1\.2/, "a child of integratord reaches the socket");
    assert.match(output, /probe timers: 0 timers listed\./, "those of Debian would change what is compared below");
    assert.match(output, /probe restarts: 1$/m);
    assert.match(output, /^probe key: root:root 400, active$/m);
    assert.match(output, /^probe key: handed over$/m);
    assert.match(output, /^probe forwarder: .*Permission denied$/m);
    assert.match(output, /^probe wazuh: .*Permission denied$/m);
    assert.match(output, /^probe write: .*(?:Permission denied|Read-only file system)/m);
    assert.match(output, /^probe check: 0$/m);
    assert.match(output, /^probe password: active 7$/m);
    const received = queue.take().map(String);
    assert.ok(
      received.some((text) => text.includes('"status":"degraded"')),
      `Wazuh's queue is reached: ${received.join()}`,
    );
    assert.deepEqual(changesBetween(before, await snapshotOf(debian.path, noise)), []);
  },
);

test("docs/install.md's way without a package manager installs, and leaves no trace either", { skip }, async () => {
  const page = textOf("docs/install.md").replaceAll(/\s+/g, " ");
  const said = /unpack `([^`]+)` and call `([^`]+)` in it instead of `([^`]+)`/.exec(page);
  const [, archive = "", own = "", usual = ""] = said ?? assert.fail("the page words it differently");
  const [dry, install] = ["2. See what would change", "3. Install"].map((section) =>
    blocksOf("docs/install.md", { section }).join("").replaceAll(usual, own),
  );
  const purge = present(blocksOf("docs/install.md", { section: "7. Uninstall" })[1]).split("\n")[0];
  await using debian = await image.copy();
  const manager = await InstallableManager.at(debian.path);
  await manager.write("var/ossec/logs/alerts/alerts.json", "", 0o640, wazuhId, wazuhId);
  const before = await snapshotOf(debian.path, noise);
  const unpacked = `root/${archive.replace(".tar.gz", "")}`;
  await place(debian, certificates.ca, `${unpacked}/ca.pem`, 0o600);
  await place(debian, certificates.client.cert, `${unpacked}/cert.pem`, 0o600);
  await place(debian, certificates.client.key, `${unpacked}/key.pem`, 0o600);
  const output = await debian.run(`set -eux
tar -xzf ${archive}
cd ${archive.replace(".tar.gz", "")}
${dry}
${install}
wazuh-dfn version
wazuh-dfn check
${purge}
echo followed
`);
  assert.match(output, /^followed$/m, output);
  assert.match(output, /^wazuh-dfn \S+, Node 24\./m);
  assert.deepEqual(changesBetween(before, await snapshotOf(debian.path, noise)), []);
});

/** Of the fake manager's own group, as a file of the Python daemon's must be that it leaves for the forwarder. */
async function placeOldCertificates(debian: DebianRoot): Promise<string> {
  const { ca, client } = certificates;
  const at = "/opt/wazuh-dfn/certs";
  await place(debian, ca, `${at}/ca.pem`, 0o640, wazuhId);
  await place(debian, client.cert, `${at}/cert.pem`, 0o640, wazuhId);
  await place(debian, client.key, `${at}/key.pem`, 0o640, wazuhId);
  return `dfn_ca: ${at}/ca.pem, dfn_cert: ${at}/cert.pem, dfn_key: ${at}/key.pem`;
}

test("docs/migrate.md, followed literally after the package, loses no alert and repeats none", { skip }, async () => {
  const listeners = { MUTUAL: { keyStore: certificates.server.store, clientCa: certificates.ca } };
  await using kafka = await KafkaCluster.start({ listeners });
  const topic = "migrated";
  await kafka.createTopic(topic);
  await using debian = await image.copy();
  const manager = await InstallableManager.at(debian.path);
  const ledger = new Ledger();
  using analysisd = new Analysisd(manager.home, new AlertMaker(), ledger);
  await chown(analysisd.datedFile, wazuhId, wazuhId);
  using _queue = new DatagramReceiver(join(manager.home, "queue/sockets/queue"));
  await manager.own("var/ossec/queue/sockets/queue", 0o660);
  const brokers = kafka.addressesOf("MUTUAL").join(",");
  placePythonDaemon(
    debian.path,
    `dfn: { dfn_broker: "${brokers}", dfn_id: ${topic}, ${await placeOldCertificates(debian)} }\n`,
  );

  // The Python daemon has sent these; it stops, and the manager continues.
  const values = await sendAsPythonDaemon(kafka.addresses, topic, analysisd.emit(200));
  const meanwhile = analysisd.emit(100).filter(({ value }) => value !== undefined).length;
  analysisd.flush();
  const at = (name: string): string => join(debian.path, "root", name);
  await writeFile(at("in-topic"), `${values.join("\n")}\n`);
  // Kafka's own program needs Java, which this Debian has not.
  const consumer = join(debian.path, "usr/bin/kafka-console-consumer.sh");
  await writeFile(consumer, "#!/bin/sh\ncat /root/in-topic\n", { mode: 0o755 });

  const blocks = blocksOf("docs/migrate.md");
  assert.equal(blocks.length, 9);
  const steps = [
    "systemctl enable --now wazuh-dfn-python",
    ...blocksOf("docs/install.md", { section: "1. Place the files" }),
    ...blocks.map((block, index) => `echo "block ${index}"\n${tolerant(block)}`),
  ];
  const end = `until [ -e /root/go-on ]; do sleep 0.2; done
until wazuh-dfn status; do sleep 0.5; done
systemctl stop wazuh-dfn`;
  const booted = debian.runBooted(`(set -eux\n${steps.join("\n")}) && touch /root/followed\n${end}\n`);
  const isOver = booted.then((output) => assert.fail(output));
  await Promise.race([eventually("the page's end", () => existsSync(at("followed")), { withinMs: 600_000 }), isOver]);
  analysisd.emit(100);
  analysisd.flush();
  await Promise.race([kafka.recordsReach(topic, ledger.expected), isOver]);
  isOver.catch(() => {}); // From here on its end is expected.
  await writeFile(at("go-on"), "");
  const output = await booted;

  const { missing, twice, invented, expected } = ledger.judge(await readTopic(kafka.addresses, topic));
  assert.deepEqual({ missing, twice, invented }, { missing: [], twice: 0, invented: [] }, output);
  assert.ok(expected > meanwhile);
  assert.match(output, new RegExp(`^${meanwhile}$`, "m"), "the count of what is to follow");
  const before = output.slice(0, output.indexOf("block 3"));
  assert.doesNotMatch(before, /^failed +certificates /m, before);
  // The old daemon's key is readable for group wazuh, which has other members.
  assert.match(before, /^warning +certificates .*key\.pem: every member of group wazuh may read this file/m, before);
  for (const link of ["brokers", "topics", "write permission"]) {
    assert.match(before, new RegExp(`^ok +${link} `, "m"), before);
    assert.doesNotMatch(before, new RegExp(`^(?:failed|warning) +${link} `, "m"), before);
  }
  assert.match(before, /Python daemon is still running/);
  const later = output.slice(output.indexOf("block 7"));
  // The fake manager has a log and programs, and no daemons.
  assert.doesNotMatch(later, /^failed(?! +analysisd )|Python daemon is still running/m, later);
  // What was made for the installer to find is as the installer makes it.
  for (const [path, mode] of [
    ["etc/wazuh-dfn", 0o750],
    ["etc/wazuh-dfn/config.yaml", 0o640],
  ] as const) {
    const found = await stat(join(debian.path, path));
    assert.deepEqual([found.mode & 0o777, found.uid, found.gid], [mode, 0, wazuhId], path);
  }
});

/** A line of alerts.json that no handler wants. */
function lineOf(id: string): string {
  return `{"timestamp":"2026-11-21T10:00:00.000+0000","rule":{"level":3},"id":"${id}"}`;
}

test(
  "README's way without the package, followed literally, reads the log and is called by integratord",
  { skip },
  async () => {
    const section = "Without the package";
    const text = textOf("README.md", section);
    assert.deepEqual(
      [...text.matchAll(/`(node dist\/[^`]*)`/g)].map(([, command]) => command),
      ["node dist/wazuh-dfn.cjs config sample", "node dist/wazuh-dfn.cjs check --config config.yaml"],
    );
    const [config = ""] = blocksOf("README.md", { section, language: "yaml" });
    const [start = "", live = "", ...others] = blocksOf("README.md", { section });
    assert.deepEqual(others, []);

    await using debian = await image.copy();
    const manager = await InstallableManager.at(debian.path);
    await manager.write("var/ossec/logs/alerts/alerts.json", "", 0o640, wazuhId, wazuhId);
    for (const name of ["dist", "ossec-snippets"]) {
      await cp(name, join(debian.path, "srv", name), { recursive: true });
    }
    await place(debian, process.execPath, "usr/local/bin/node", 0o755);
    const { ca, client } = certificates;
    await place(debian, ca, "etc/wazuh-dfn/ca.pem", 0o640, wazuhId);
    await place(debian, client.cert, "etc/wazuh-dfn/cert.pem", 0o640, wazuhId);
    await place(debian, client.key, "etc/wazuh-dfn/key.pem", 0o640, wazuhId);
    await writeFile(join(debian.path, "srv/config.yaml"), config);
    const output = await debian.run(`set -eux
cd /srv
${[...text.matchAll(/`(node dist\/[^`]*)`/g)].map(([, command = ""]) => command).join("\n")}
( ${start} ) >/root/forwarder.log 2>&1 &
until grep -q '"msg":"started"' /root/forwarder.log; do kill -0 $! || cat /root/forwarder.log; sleep 0.1; done
echo '${lineOf("1.1")}' >>/var/ossec/logs/alerts/alerts.json
until node dist/wazuh-dfn.cjs status --json --config config.yaml | tr -d ' \\n' | grep -o '"tail":{"read":1'; do sleep 0.1; done
${live}
/var/ossec/bin/wazuh-integratord -t
echo '${lineOf("1.2")}' >/tmp/alert
as_wazuh='setpriv --reuid=${wazuhId} --regid=${wazuhId} --clear-groups'
until $as_wazuh /var/ossec/integrations/custom-dfn /tmp/alert "" unix:/run/wazuh-dfn/alerts.sock debug | grep 'ignored 1.2'; do sleep 0.1; done
echo "restarts $(grep -c . /var/ossec/var/run/restarts)"
echo followed
`);
    assert.match(output, /^followed$/m, output);
    assert.match(output, /^"tail":\{"read":1$/m);
    assert.match(output, /^custom-dfn: ignored 1\.2$/m);
    assert.match(output, /^restarts 1$/m);
  },
);

test(
  "the installer refuses a key that the forwarder may not read, before it touches the manager; the code cache goes with the package",
  { skip },
  async () => {
    await using debian = await image.copy();
    const manager = await InstallableManager.at(debian.path);
    await manager.write("var/ossec/logs/alerts/alerts.json", "", 0o640, wazuhId, wazuhId);
    const { ca, client } = certificates;
    await place(debian, ca, "etc/wazuh-dfn/ca.pem", 0o640, wazuhId);
    await place(debian, client.cert, "etc/wazuh-dfn/cert.pem", 0o640, wazuhId);
    await place(debian, client.key, "etc/wazuh-dfn/key.pem", 0o600);
    const [config = ""] = blocksOf("README.md", { section: "Without the package", language: "yaml" });
    await writeFile(join(debian.path, "etc/wazuh-dfn/config.yaml"), config, { mode: 0o600 });
    // Without times: a directory in which something was made and removed has the present minute.
    const directories = "/etc/wazuh-dfn /var/ossec/etc /var/ossec/integrations";
    const state = `find ${directories} -printf '%M %U:%G %s %p\\n' | sort; getent passwd wazuh-dfn`;
    const output = await debian.run(`dpkg -i wazuh-dfn_*.deb
before=$(${state})
wazuh-dfn-install --yes
echo "refused $?"
[ "$before" = "$(${state})" ] && echo "as before"
chgrp wazuh /etc/wazuh-dfn/key.pem && chmod 0640 /etc/wazuh-dfn/key.pem
wazuh-dfn-install --yes
echo "installed $?"
stat -c 'cache %a %u:%g' /usr/lib/wazuh-dfn/wazuh-dfn.cache
dpkg -r wazuh-dfn
[ -e /usr/lib/wazuh-dfn ] || echo "removed"
`);
    assert.match(
      output,
      /sink\.kafka\.tls\.key: \/etc\/wazuh-dfn\/key\.pem cannot be read.*EACCES[^]*^refused 78$/m,
      output,
    );
    assert.match(output, /^as before$/m, output);
    assert.match(output, /^installed 0$/m, output);
    assert.match(output, /^cache 644 0:0$/m, output);
    assert.match(output, /^removed$/m, output);
  },
);
