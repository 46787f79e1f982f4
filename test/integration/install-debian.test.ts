/**
 * docs/install.md, followed literally with the real package in a Debian that systemd has booted: every command of the
 * page, in its order, with looks at what it did in between.
 */
import assert from "node:assert/strict";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { makeCertificates } from "../rig/certificates.ts";
import { DatagramReceiver } from "../rig/datagram-receiver.ts";
import { DebianRoot } from "../rig/debian-root.ts";
import { skip } from "../rig/install-world.ts";
import { buildPackages, ownPackage } from "../rig/packages.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { snapshotOf } from "../rig/tree-snapshot.ts";
import { InstallableManager, wazuhId } from "../rig/wazuh/installable-manager.ts";

/** What dpkg, apt, systemd and this test write. */
const noise =
  /^(?:dev|proc|root|run|sys|tmp|var\/cache|var\/lib\/(?:apt|dpkg|systemd)|var\/log|var\/tmp)(?:\/|$)|^etc\/(?:[a-z]+-|\.pwd\.lock|\.updated|machine-id|ld\.so\.cache|hostname|resolv\.conf|systemd\/system\/default\.target\.wants)$|^var\/(?:\.updated|ossec\/(?:logs\/|var\/run|queue\/sockets\/)|lib\/private)/;

/** The shell blocks of the page, one string each. */
async function blocksOf(page: string): Promise<string[]> {
  const text = await readFile(page, "utf8");
  return [...text.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = ""]) => block);
}

/** Looked at while it runs: each answer stands behind its name in the output. */
const probes = `
pid=$(systemctl show --property MainPID --value wazuh-dfn)
echo "probe user: $(stat -c '%U:%G' /proc/$pid)"
grep -E '^(NoNewPrivs|CapEff|CapBnd|Seccomp):' /proc/$pid/status
echo "probe home: $(ls -m /proc/$pid/root/var/ossec)"
touch /proc/$pid/root/var/ossec/logs/alerts/x 2>&1
echo '{"timestamp":"2026-11-21T10:00:00.000+0000","rule":{"level":3},"id":"1.1","location":"x"}' >>/var/ossec/logs/alerts/alerts.json
for try in 1 2 3 4 5 6 7 8 9 10; do
  wazuh-dfn status --json | tr -d ' \\n' | grep -o '"tail":{"read":1' && break
  sleep 0.5
done
echo '{"timestamp":"2026-11-21T10:00:01.000+0000","rule":{"level":3},"id":"1.2","location":"x"}' >/tmp/alert
setpriv --reuid=${wazuhId} --regid=${wazuhId} --clear-groups /var/ossec/integrations/custom-dfn /tmp/alert "" unix:/run/wazuh-dfn/alerts.sock debug
# No Kafka answers here: it is degraded after a while, and Wazuh is told.
for try in $(seq 120); do
  wazuh-dfn status --json | tr -d ' \\n' | grep -o '"feedback":{[^}]*"sent":[1-9]' && break
  sleep 0.5
done
echo "probe restarts: $(grep -c . /var/ossec/var/run/restarts)"
`;

/** While the key is handed over by systemd: who can read it, and whether the forwarder uses it. */
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
    await using build = await TempDir.create();
    buildPackages(build.path, process.arch);
    const { version }: { version: string } = JSON.parse(await readFile("package.json", "utf8"));
    const { deb } = ownPackage(build.path, version);
    await using debian = await DebianRoot.make();
    const manager = await InstallableManager.at(debian.path);
    await manager.write("var/ossec/logs/alerts/alerts.json", "", 0o640, wazuhId, wazuhId);
    // The page names the package of one processor.
    await copyFile(deb, join(debian.path, "root", `wazuh-dfn_${version}_amd64.deb`));
    const certificates = await makeCertificates(build.path);
    await copyFile(certificates.ca, join(debian.path, "root/ca.pem"));
    await copyFile(certificates.client.cert, join(debian.path, "root/cert.pem"));
    await copyFile(certificates.client.key, join(debian.path, "root/key.pem"));
    using queue = new DatagramReceiver(join(debian.path, "var/ossec/queue/sockets/queue"));
    await manager.own("var/ossec/queue/sockets/queue", 0o660);
    const before = await snapshotOf(debian.path, noise);

    const blocks = await blocksOf(resolve("docs/install.md"));
    const watched = blocks.findIndex((block) => block.includes("wazuh-dfn doctor"));
    const handedOver = blocks.findIndex((block) => block.includes("LoadCredential="));
    assert.ok(watched > 0 && handedOver > watched);
    const probesAfter = new Map([
      [watched, probes],
      [handedOver, credentialProbes],
    ]);
    const steps = blocks.map((block, index) => {
      // doctor ends with what it found; here no Kafka answers.
      const commands = block.replace("wazuh-dfn doctor", "wazuh-dfn doctor || echo doctor $?");
      return `echo "block ${index}"\n(set -ex\n${commands}) || echo "failed: block ${index}"\n${probesAfter.get(index) ?? ""}`;
    });
    const output = await debian.runBooted(steps.join("\n"));
    await writeFile(build.join("output"), output);

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
    assert.match(output, /probe restarts: 1$/m);
    assert.match(output, /^probe key: root:root 400, active$/m);
    assert.match(output, /^probe key: handed over$/m);
    assert.match(output, /^probe forwarder: .*Permission denied$/m);
    assert.match(output, /^probe wazuh: .*Permission denied$/m);
    assert.match(output, /^probe write: .*(?:Permission denied|Read-only file system)/m);
    assert.match(output, /^probe check: 0$/m);
    assert.match(output, /^probe password: active 7$/m);
    const told = queue.take().map(String);
    assert.ok(
      told.some((text) => text.includes('"status":"degraded"')),
      `Wazuh's queue is reached: ${told.join()}`,
    );
    assert.deepEqual(await snapshotOf(debian.path, noise), before);
  },
);
