import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventually } from "../rig/eventually.ts";
import { forwarderBundle } from "../rig/forwarder-bundle.ts";
import type { Kafka } from "../rig/kafka.ts";
import { present } from "../rig/present.ts";
import { Program } from "../rig/program.ts";
import { sharedKafka } from "../rig/shared-kafka.ts";
import { treeLines } from "../rig/tree-lines.ts";
import { wazuhId } from "../rig/wazuh/manager-tree.ts";
import { DoctorWorld, isOutOfTime, linesAbout } from "./doctor-world.ts";

let kafka: Kafka;
before(async () => (kafka = await sharedKafka()));
after(() => kafka[Symbol.asyncDispose]());

const isRoot = process.getuid?.() === 0;

/**
 * The state of the machine that runs the test; judged by unit tests. An ordinary user cannot give custom-dfn to root,
 * which is a warning.
 */
const ofTheMachine = [
  ...(isRoot ? [] : ["custom-dfn"]),
  "clock",
  "disk",
  "memory",
  "unit",
  "other senders",
  "topic settings",
];

/** Runs the doctor with a temporary directory that is checked too. */
async function doctorIn(at: DoctorWorld, config: string): Promise<Program> {
  const env = { PATH: process.env["PATH"] ?? "", TMPDIR: at.world.directory.join("tmp") };
  return eventually("a report in time", async () => {
    const program = new Program(process.execPath, [forwarderBundle, "doctor", "--config", config], { env });
    await program.end();
    return !isOutOfTime(program.outputLines.join("\n")) && program;
  });
}

test("when everything is in place every link is ok, a real alert is answered and reaches no topic, and nothing is changed", async () => {
  await using at = await DoctorWorld.create(kafka);
  const report = await at.report();
  const others = report.links.filter(({ link, state }) => state !== "ok" && !ofTheMachine.includes(link));
  assert.deepEqual(others, []);
  assert.match(linesAbout(report, "hand-over"), /^ok a test alert went through custom-dfn/);
  assert.ok(report.links.length >= 24, `${report.links.length} links`);
  mkdirSync(at.world.directory.join("tmp"), { mode: 0o755 });
  const config = at.world.configure(at.settings());
  // The running forwarder writes its checkpoint and nothing else.
  const written = ["checkpoint.json", "checkpoint.json.1", `checkpoint.json.${at.forwarder.pid}.new`];
  const before = treeLines(at.world.directory.path, written);
  assert.ok(before.length > 20);
  const program = await doctorIn(at, config);
  assert.match(program.outputLines.join("\n"), /^ok +hand-over/m);
  assert.deepEqual(treeLines(at.world.directory.path, written), before);
  assert.equal(await kafka.recordCount(at.world.topic), 0);
});

test("without a forwarder its links fail with a command as remedy, the code is 69, and nothing at all is changed", async () => {
  await using at = await DoctorWorld.create(kafka, { forwarder: false });
  mkdirSync(at.world.directory.join("tmp"));
  const config = at.world.configure(at.settings());
  const before = treeLines(at.world.directory.path);
  const program = await doctorIn(at, config);
  assert.equal(program.ended, 69);
  assert.deepEqual(treeLines(at.world.directory.path), before);
  const text = program.outputLines.join("\n");
  assert.match(text, /^failed +forwarder .*\n +-> systemctl start wazuh-dfn/m);
  assert.match(text, /^warning +socket .*no forwarder listens\n +-> systemctl start wazuh-dfn/m);
  assert.match(text, /^warning +hand-over .*got no answer/m);
  assert.match(text, /^warning +checkpoint .*has never run/m);
  assert.match(text, /^\d+ failed, \d+ warning/m);
});

test("a user who is not root learns what it may not see, and nothing fails because of that", async () => {
  await using at = await DoctorWorld.create(kafka);
  const config = at.world.configure(at.settings());
  // A copy, because a checkout may be where others have no access.
  cpSync(join(forwarderBundle, ".."), at.world.directory.join("dist"), { recursive: true });
  const bundle = at.world.directory.join("dist/wazuh-dfn.cjs");
  chmodSync(at.world.directory.join("status.sock"), 0o666);
  const user = isRoot ? { uid: wazuhId, gid: wazuhId } : {};
  const text = await eventually("a report in time", async () => {
    const child = spawn(process.execPath, [bundle, "doctor", "--json", "--config", config], {
      ...user,
      cwd: "/",
      env: { PATH: process.env["PATH"] },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => (output += part));
    await once(child, "close");
    return !isOutOfTime(output) && output;
  });
  const { links }: { links: { link: string; state: string; text: string; remedy?: string }[] } = JSON.parse(text);
  const failed = links.filter(({ link, state }) => state === "failed" && !ofTheMachine.includes(link));
  assert.deepEqual(failed, []);
  const integratord = present(links.find(({ link }) => link === "integratord"));
  if (isRoot) {
    assert.match(integratord.text, /^this user may not see how far integratord \(pid \d+\) has read$/);
    assert.equal(integratord.remedy, "sudo wazuh-dfn doctor");
  }
  assert.equal(integratord.state, isRoot ? "unseen" : "ok");
  assert.equal(links.find(({ link }) => link === "hand-over")?.state, "ok");
});
