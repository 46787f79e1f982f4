import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { test } from "node:test";
import { groupId } from "../../daemon/sources/socket/socket-source.ts";
import { makeCertificates } from "../rig/certificates.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { type Ended, wazuhDfn } from "./cli.ts";

test("an old file with its certificates becomes one that check accepts, and no file is ever overwritten", async () => {
  await using world = await TempDir.create();
  const { ca, client } = await makeCertificates(world.path);
  const home = world.join("ossec");
  for (const path of ["logs/alerts", "queue/sockets"]) mkdirSync(`${home}/${path}`, { recursive: true });
  for (const path of ["logs/alerts/alerts.json", "queue/sockets/queue"]) writeFileSync(`${home}/${path}`, "");
  const old = world.join("config.yaml");
  writeFileSync(
    old,
    `wazuh: { unix_socket_path: ${home}/queue/sockets/queue, json_alert_file: ${home}/logs/alerts/alerts.json }
dfn: { dfn_broker: 127.0.0.1:9093, dfn_id: acme, dfn_ca: ${ca}, dfn_cert: ${client.cert}, dfn_key: ${client.key} }
misc: { num_workers: 4 }
`,
  );
  const output = world.join("new.yaml");
  const first = await wazuhDfn(["config", "migrate", old, "--output", output], { LOG_LEVEL: "DEBUG" });
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stderr, /^not needed  misc\.num_workers = 4 {2}\[.*config\.yaml:3\]\n +one thread is enough/m);
  assert.match(
    first.stderr,
    /^taken over  log\.level = DEBUG {2}\[environment variable LOG_LEVEL\]\n +-> log\.level: debug/m,
  );
  assert.match(first.stderr, /done: every setting is dealt with\n$/);
  assert.equal(statSync(output).mode & 0o777, 0o640);

  const sets = [`state_dir=${world.path}/state`, `sources.socket.path=${world.path}/a.sock`];
  sets.push(`status.listen=${world.path}/s.sock`);
  const check = await wazuhDfn(["check", "--config", output, ...sets.flatMap((set) => ["--set", set])]);
  assert.equal(check.code, 0, check.stderr);
  assert.equal(check.stdout, `${output} is valid\n`);

  const text = readFileSync(output, "utf8");
  const second = await wazuhDfn(["config", "migrate", old, "--output", output]);
  assert.equal(second.code, 74);
  assert.match(second.stderr, /new\.yaml exists and is not overwritten/);
  assert.equal(readFileSync(output, "utf8"), text);
});

test("standard output has the configuration alone; --json reports everything; the code is 65 if something is left to do", async () => {
  await using world = await TempDir.create();
  const old = world.join("old.toml");
  writeFileSync(old, '[dfn]\ndfn_broker = "a:1"\ndfn_cert = ""\n');
  const plain = await wazuhDfn(["config", "migrate", old]);
  assert.equal(plain.code, 65);
  assert.match(plain.stdout, /^# Configuration of wazuh-dfn/);
  assert.match(
    plain.stderr,
    /^by hand +dfn\.dfn_id = \(nothing\) {2}\[default\]\n +there is none: fill in dfn\.customer_id/m,
  );
  assert.match(plain.stderr, /^still wrong: standard output:\d+: dfn\.customer_id: is missing/m);
  const { done, config, settings }: { done: boolean; config: string; settings: { setting: string }[] } = JSON.parse(
    (await wazuhDfn(["config", "migrate", old, "--json"])).stdout,
  );
  assert.deepEqual([done, config], [false, plain.stdout]);
  assert.ok(settings.some(({ setting }) => setting === "dfn.dfn_broker"));
});

test("a file that is absent, broken or not named is reported as such", async () => {
  await using world = await TempDir.create();
  const broken = world.join("broken.yaml");
  writeFileSync(broken, "dfn: [");
  const absent = await wazuhDfn(["config", "migrate", world.join("none.yaml")]);
  assert.equal(absent.code, 78);
  assert.match(absent.stderr, /none\.yaml: the Python daemon's configuration does not exist/);
  const unreadable = await wazuhDfn(["config", "migrate", broken]);
  assert.equal(unreadable.code, 65);
  assert.match(unreadable.stderr, /broken\.yaml:\d+: not valid YAML/);
  assert.equal((await wazuhDfn(["config", "migrate"])).code, 64);
});

/** Whether this process may choose the group of the files that it creates. */
const isRoot = process.getuid?.() === 0;

test("--output creates the directory if only that is missing, and follows and replaces nothing", async () => {
  await using world = await TempDir.create();
  const old = world.join("old.yaml");
  writeFileSync(old, "dfn: { dfn_broker: a:1, dfn_id: acme, dfn_cert: null, dfn_key: null }\n");
  const to = (output: string): Promise<Ended> => wazuhDfn(["config", "migrate", old, "--output", output]);
  const made = await to(world.join("new/config.yaml"));
  assert.equal(made.code, 0, made.stderr);
  assert.equal(statSync(world.join("new")).mode & 0o777, 0o750);
  assert.equal(statSync(world.join("new/config.yaml")).mode & 0o777, 0o640);

  const deeper = await to(world.join("no/such/config.yaml"));
  assert.equal(deeper.code, 74);
  assert.match(deeper.stderr, /no\/such\/config\.yaml cannot be written: .*ENOENT/);
  assert.equal(existsSync(world.join("no")), false);

  symlinkSync(world.join("target"), world.join("link.yaml"));
  const linked = await to(world.join("link.yaml"));
  assert.equal(linked.code, 74);
  assert.match(linked.stderr, /link\.yaml exists and is not overwritten/);
  assert.equal(existsSync(world.join("target")), false);
});

test("as root the file and its directory get group wazuh, if there is one; otherwise the remedy is printed", async () => {
  await using world = await TempDir.create();
  const old = world.join("old.yaml");
  writeFileSync(old, "dfn: { dfn_broker: a:1, dfn_id: acme, dfn_cert: null, dfn_key: null }\n");
  const { stderr } = await wazuhDfn(["config", "migrate", old, "--output", world.join("new/config.yaml")]);
  const gid = await groupId("wazuh");
  const { uid: ownUid, gid: ownGid } = userInfo();
  for (const path of ["new", "new/config.yaml"]) {
    const found = statSync(world.join(path));
    assert.deepEqual([found.uid, found.gid], [ownUid, isRoot ? (gid ?? ownGid) : ownGid], path);
  }
  assert.match(stderr, isRoot && gid !== undefined ? /which group wazuh may read/ : /: chgrp wazuh \S+config\.yaml$/m);
});
