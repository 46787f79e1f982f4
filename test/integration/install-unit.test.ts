/** The unit as systemd itself judges it, and the scripts as shellcheck does. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { howToInstall, installPrograms } from "../../scripts/kafka/programs.ts";
import { TempDir } from "../rig/temp-dir.ts";

const run = promisify(execFile);
const missing = installPrograms(["systemd-analyze", "shellcheck"]);
if (missing.length > 0) throw new Error(howToInstall(missing));

/** A root with the unit and what it starts. */
async function rootWithUnit(dir: TempDir): Promise<string> {
  await mkdir(dir.join("usr/lib/systemd/system"), { recursive: true });
  await mkdir(dir.join("usr/lib/wazuh-dfn/bin"), { recursive: true });
  await mkdir(dir.join("bin"));
  for (const program of ["usr/lib/wazuh-dfn/bin/node", "bin/sh"]) {
    await writeFile(dir.join(program), "#!/bin/sh\n", { mode: 0o755 });
  }
  const names = ["sysinit", "basic", "shutdown", "network-online", "multi-user", "umount"];
  for (const name of names) await writeFile(dir.join(`usr/lib/systemd/system/${name}.target`), "[Unit]\n");
  for (const name of ["-.slice", "system.slice"]) {
    await writeFile(dir.join("usr/lib/systemd/system", name), "[Unit]\nDefaultDependencies=no\n");
  }
  const path = dir.join("usr/lib/systemd/system/wazuh-dfn.service");
  await copyFile("scripts/wazuh-dfn.service", path);
  return path;
}

test("systemd finds nothing wrong with the unit, nor with the drop-in for AppArmor", async () => {
  await using dir = await TempDir.create();
  const unit = await rootWithUnit(dir);
  await mkdir(`${unit}.d`);
  await copyFile("scripts/security/apparmor/apparmor.conf", `${unit}.d/apparmor.conf`);
  const { stdout, stderr } = await run("systemd-analyze", [
    `--root=${dir.path}`,
    "--man=no",
    "verify",
    "wazuh-dfn.service",
  ]);
  assert.equal(stdout + stderr, "");
});

test("systemd rates the unit's exposure at most 2.0", async () => {
  await using dir = await TempDir.create();
  const args = ["security", "--offline=yes", "--threshold=20", `--root=${dir.path}`, await rootWithUnit(dir)];
  const { stdout } = await run("systemd-analyze", args).catch((reason: { stdout: string }) => reason);
  const rating = /Overall exposure level for [^:]*: ([\d.]+)/.exec(stdout)?.[1];
  assert.ok(Number(rating) > 0 && Number(rating) <= 2, stdout);
});

test("the unit promises what the installer and custom-dfn rely on", async () => {
  const unit = await readFile("scripts/wazuh-dfn.service", "utf8");
  for (const line of [
    "Type=notify",
    "Restart=always",
    "User=wazuh-dfn",
    "Group=wazuh",
    "StateDirectory=wazuh-dfn",
    "RuntimeDirectory=wazuh-dfn",
    "ConfigurationDirectory=wazuh-dfn",
    "TemporaryFileSystem=/var/ossec:ro",
  ]) {
    assert.ok(unit.split("\n").includes(line), line);
  }
  assert.match(unit, /^WatchdogSec=\d+$/m);
  assert.match(unit, /^MemoryMax=/m);
  assert.match(unit, /^LimitNOFILE=/m);
});

test("shellcheck finds nothing in the scripts", async () => {
  const standIns = (await readdir("test/data/manager")).map((name) => `test/data/manager/${name}`);
  await run("shellcheck", ["--external-sources", "--shell=sh", "scripts/install", "scripts/uninstall"]);
  await run("shellcheck", ["--shell=sh", ...standIns]);
});

/** Snippets that go into files of their own. */
const otherRoots: ReadonlyMap<string, RegExp> = new Map([
  ["dfn_rules.xml", /^<group name="dfn,">$/m],
  ["dfn_event_rules.xml", /^<group name="windows,windows_security,">$/m],
  ["zz_dfn_decoders.xml", /^<decoder name="dfn-fail2ban">$/m],
  ["agent-conf-fail2ban.xml", /^<agent_config os="Linux">\n[^]*^<\/agent_config>\n$/m],
]);

test("each snippet for ossec.conf is a root of its own, and lacks nothing that a copy by hand needs", async () => {
  for (const name of (await readdir("ossec-snippets")).filter((file) => file.endsWith(".xml"))) {
    const text = await readFile(`ossec-snippets/${name}`, "utf8");
    assert.match(text, otherRoots.get(name) ?? /^<ossec_config>\n[^]*^<\/ossec_config>\n$/m, name);
  }
});
