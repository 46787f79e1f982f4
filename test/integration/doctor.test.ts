import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { customDfns } from "../rig/custom-dfn.ts";
import { eventually } from "../rig/eventually.ts";
import type { Kafka } from "../rig/kafka.ts";
import { processState } from "../rig/process-state.ts";
import { sharedKafka } from "../rig/shared-kafka.ts";
import { wazuhId } from "../rig/wazuh/manager-tree.ts";
import { DoctorWorld, linesAbout } from "./doctor-world.ts";

let kafka: Kafka;
before(async () => (kafka = await sharedKafka()));
after(() => kafka[Symbol.asyncDispose]());

const isRoot = process.getuid?.() === 0;

test("the integration block: absent, commented out, disabled, with a hook_url that leads elsewhere, narrowed", async () => {
  await using at = await DoctorWorld.create(kafka, { forwarder: false });
  const whole = readFileSync(at.tree.conf, "utf8");
  const changed = async (from: string, to: string): Promise<string> => {
    writeFileSync(at.tree.conf, whole);
    at.tree.changeConf(from, to);
    return at.about("integration block");
  };
  assert.equal(
    await at.about("integration block"),
    "ok present, enabled, and delivers everything that the forwarder wants",
  );
  assert.match(await changed("<alert_format>json</alert_format>", ""), /^failed alert_format is not json/);
  assert.match(await changed(at.world.socketPath, "/run/other.sock"), /^failed hook_url points to \/run\/other\.sock/);
  assert.match(await changed("windows,fail2ban", "windows, fail2ban"), /^warning <group>.*group fail2ban$/);
  assert.match(await changed("<group>", "<level>7</level><group>"), /^warning <level>7 holds back/);
  const block = /<integration>[^]*<\/integration>/.exec(whole)?.[0] ?? "";
  assert.match(
    await changed(block, ""),
    /^warning .*there is no block for custom-dfn; alerts arrive only through the tail/,
  );
  assert.match(await changed(block, `<!-- ${block} -->`), /^warning .*commented out/);
  const tailOff = { sources: { socket: { path: at.world.socketPath }, tail: "off" } };
  assert.match(await at.about("integration block", tailOff), /^failed .*with the tail off no alert arrives at all/);
});

test("custom-dfn is writable for Wazuh, not executable for it, or absent", async () => {
  await using at = await DoctorWorld.create(kafka);
  const path = at.tree.customDfn;
  chmodSync(path, 0o770);
  assert.match(await at.about("custom-dfn"), /^failed .*may write .*integratord refuses to run it/);
  if (isRoot) {
    chmodSync(path, 0o750);
    chownSync(path, 0, 0);
    const report = await at.report();
    assert.match(linesAbout(report, "custom-dfn"), /^failed .*may not run/);
    assert.equal(linesAbout(report, "hand-over"), "", "root gets the reason, not that it may not see it");
    chownSync(path, wazuhId, wazuhId);
    chmodSync(path, 0o550);
    assert.match(await at.about("custom-dfn"), /^warning .*who can change it/);
  }
  chmodSync(path, 0o000);
  rmSync(path);
  assert.match(await at.about("custom-dfn"), /^failed .*does not exist/);
  at.tree.replaceCustomDfn("#!/bin/sh\r\n");
  assert.match(await at.about("custom-dfn"), /^failed .*DOS line endings/);
});

test("a test alert goes through custom-dfn, whichever way it takes", async () => {
  await using at = await DoctorWorld.create(kafka);
  using made = customDfns();
  for (const { name, path } of made.all) {
    at.tree.installCustomDfn(path);
    assert.match(await at.about("hand-over"), /^ok a test alert went through custom-dfn/, name);
  }
  assert.equal(await kafka.recordCount(at.world.topic), 0);
});

test("custom-dfn that hangs is ended, and one that fails is reported with its output", async () => {
  await using at = await DoctorWorld.create(kafka, { forwarder: false });
  at.tree.replaceCustomDfn("#!/bin/sh\necho it is broken >&2\nexit 3\n");
  assert.match(await at.about("hand-over"), /^failed .*ended with 3: "it is broken"$/);
  const started = at.world.directory.join("started");
  mkdirSync(started);
  chmodSync(started, 0o777);
  at.tree.replaceCustomDfn(`#!/bin/sh\necho $$ >${started}/pid\nsleep 600\n`);
  assert.match(await at.about("hand-over", {}, { isLate: true }), /^failed .*did not end within 4 s/);
  const pid = Number(readFileSync(join(started, "pid"), "utf8"));
  await eventually("the end of custom-dfn", () => processState(pid) === undefined);
});

test("daemons of the manager that are not running, and an integratord that is stopped", async () => {
  await using at = await DoctorWorld.create(kafka, { forwarder: false });
  await at.tree.stop("wazuh-integratord");
  assert.match(await at.about("integratord"), /^warning integratord is not running/);
  await at.tree.start("wazuh-integratord", 0o022);
  assert.match(await at.about("integratord"), /^ok [^]*\nwarning the umask of integratord .* lets every user/);
  await at.tree.freeze("wazuh-integratord");
  at.world.analysisd.emit(50);
  at.world.analysisd.flush();
  assert.match(await at.about("integratord"), /^warning integratord is behind: \d+ bytes/);
  await at.tree.stop("wazuh-analysisd");
  assert.match(await at.about("analysisd"), /^failed analysisd is not running/);
});

test("what was changed after a daemon started is not loaded: rules, and ossec.conf for integratord", async () => {
  await using at = await DoctorWorld.create(kafka, { forwarder: false });
  const soon = new Date(Date.now() + 60_000);
  utimesSync(at.tree.rules, soon, soon);
  utimesSync(at.tree.conf, soon, soon);
  const report = await at.report();
  assert.match(linesAbout(report, "rules"), /^warning .*changed after analysisd was started/);
  assert.match(linesAbout(report, "integratord"), /^warning ossec\.conf was changed after integratord/);
  rmSync(at.tree.rules);
  assert.match(await at.about("rules"), /^warning there are no rules for the forwarder's feedback/);
});

test("JSON output that is off, and a queue socket that is absent or that nobody listens on", async () => {
  await using at = await DoctorWorld.create(kafka, { forwarder: false });
  at.tree.changeConf("<jsonout_output>yes", "<jsonout_output>no");
  assert.match(await at.about("JSON output"), /^failed jsonout_output is off/);
  at.world.queue[Symbol.dispose]();
  assert.match(await at.about("queue socket"), /^warning nobody listens on .*analysisd is not running/);
  rmSync(join(at.tree.home, "queue/sockets/queue"));
  assert.match(await at.about("queue socket"), /^warning .*does not exist/);
  assert.equal(await at.about("queue socket", { wazuh: { home: at.tree.home, feedback: "off" } }), "");
});

test("archives that were compressed, or removed, before they were read", async () => {
  await using at = await DoctorWorld.create(kafka);
  const { analysisd } = at.world;
  analysisd.emit(20);
  analysisd.flush();
  await at.world.kafka.recordsReach(at.world.topic, at.world.ledger.expected);
  await eventually("a checkpoint", async () => (await at.about("checkpoint")).startsWith("ok"));
  await at.forwarder.stop();
  assert.match(await at.about("archives"), /^ok/);
  const own = analysisd.datedFile;
  analysisd.emit(10);
  await analysisd.rotate({ isNewDay: true });
  analysisd.emit(10);
  await analysisd.rotate({ isNewDay: true });
  analysisd.compress(own);
  assert.match(await at.about("archives"), new RegExp(`^warning compressed before all of it was read: ${own}\\.gz$`));
  rmSync(`${own}.gz`);
  assert.match(await at.about("archives"), /^failed .*is gone, and was read only up to byte \d+/);
});

test("a Python daemon that is still running is found by its process, with its configuration", async () => {
  await using at = await DoctorWorld.create(kafka, { forwarder: false });
  const script = at.world.directory.join("wazuh-dfn");
  // It runs until its standard input is closed.
  writeFileSync(script, "read line\n");
  const python = spawn("sh", [script, "--config", "/opt/wazuh-dfn/config/old.yaml"], {
    argv0: "/opt/wazuh-dfn/venv/bin/python3",
    stdio: ["pipe", "ignore", "ignore"],
  });
  try {
    await once(python, "spawn");
    const found = new RegExp(
      `^failed the Python daemon is still running \\(pid ${python.pid}, with /opt/wazuh-dfn/config/old\\.yaml\\)`,
    );
    await eventually("the Python daemon is found", async () => found.test(await at.about("other senders")));
  } finally {
    python.kill("SIGKILL");
    await once(python, "close");
  }
  assert.doesNotMatch(await at.about("other senders"), /Python daemon is still running/);
});

test("a missing topic, a broker that is down and a name that does not exist", async () => {
  await using at = await DoctorWorld.create(kafka, { topic: false, forwarder: false });
  const { links, code } = await at.report();
  assert.equal(code, 69);
  const topics = links.find(({ link }) => link === "topics");
  assert.match(topics?.text ?? "", /^topic test-\S+: UNKNOWN_TOPIC_OR_PARTITION/);
  assert.match(topics?.remedy ?? "", /kafka-topics\.sh --bootstrap-server \S+ --create --topic test-/);
  const away = await at.report({ sink: { kafka: { brokers: [...kafka.addresses, "127.0.0.1:1"] } } });
  assert.match(linesAbout(away, "brokers"), /^warning 127\.0\.0\.1:1: .*ECONNREFUSED/);
  const none = await at.report({ sink: { kafka: { brokers: ["no-such-host.invalid:9092"] } } });
  assert.match(linesAbout(none, "brokers"), /^failed no-such-host\.invalid:9092: the name .* cannot be resolved/);
});

test("wrong settings: the code is 78, each is named, and the machine is still examined", async () => {
  await using at = await DoctorWorld.create(kafka, { forwarder: false });
  const report = await at.report({ log: { level: "loud" } });
  assert.equal(report.code, 78);
  assert.match(linesAbout(report, "configuration"), /^failed .*config\.yaml:\d+: log\.level: "loud" is not allowed/);
  assert.notEqual(linesAbout(report, "unit"), "");
});
