/** scripts/install and what it finds on a manager: its checks, its cluster, other people's rules, older versions. */
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { runScript } from "../rig/install-package.ts";
import { InstallWorld, skip } from "../rig/install-world.ts";

const given = ["--broker", "kafka.example.org:9093", "--customer-id", "abc-1"];

test("a manager whose configuration is already wrong is left unchanged", { skip }, async () => {
  await using world = await InstallWorld.create();
  await writeFile(
    world.tree.conf,
    "<ossec_config>\n<integration>\n<nome>slack</nome>\n</integration>\n</ossec_config>\n",
  );
  const before = await world.snapshot();
  const { code, output } = await world.install(given);
  assert.equal(code, 78, output);
  assert.match(output, /5310[^]*already wrong/);
  assert.deepEqual(await world.snapshot(), before);
});

for (const [file, bad] of [
  ["integration.xml", "<integration>\n<name>custom-dfn</name>\n<format>json</format>\n</integration>"],
  ["fim.xml", "<syscheck>\n<skip>/x</skip>\n</syscheck>"],
  ["unit-watch.xml", "<localfile>\n<run>x</run>\n</localfile>"],
  ["integration.xml", "<integration>\n<name>custom-dfn</name>"],
] as const) {
  test(
    `the manager refuses the block (${bad.slice(-25).replaceAll("\n", " ")}): everything is as before, nothing was restarted`,
    { skip },
    async () => {
      await using world = await InstallWorld.create();
      await world.alterPackage(`snippets/${file}`, `<ossec_config>\n${bad}\n</ossec_config>\n`);
      const before = await world.snapshot();
      const { code, output } = await world.install(given);
      assert.equal(code, 78, output);
      assert.match(output, /everything is as it was before/);
      assert.deepEqual(await world.snapshot(), before);
      assert.equal(await world.tree.restarts(), 0);
    },
  );
}

test("the manager refuses the rules: everything is as before", { skip }, async () => {
  await using world = await InstallWorld.create();
  await world.alterPackage(
    "snippets/dfn_rules.xml",
    '<group name="dfn,">\n<rule id="111700" level="17"></rule>\n</group>\n',
  );
  const before = await world.snapshot();
  assert.equal((await world.install(given)).code, 78);
  assert.deepEqual(await world.snapshot(), before);
});

test(
  "the manager crashes at its restart: the former files come back and it is started with them",
  { skip },
  async () => {
    await using world = await InstallWorld.create();
    const before = await world.snapshot();
    await world.tree.write("var/ossec/var/run/falls", "", 0o600);
    const { code, output } = await world.install(given);
    assert.equal(code, 74, output);
    assert.deepEqual(await world.snapshot(), before);
    assert.equal(await world.tree.restarts(), 2);
    await world.tree.read("var/ossec/var/run/running");
  },
);

test("--no-restart leaves the restart out; a manager that is not running is not started", { skip }, async () => {
  await using world = await InstallWorld.create();
  assert.match((await world.install([...given, "--no-restart"])).output, /was not restarted/);
  assert.equal(await world.tree.restarts(), 0);
  await world.uninstall(["--no-restart"]);
  await rm(world.tree.join("var/ossec/var/run/running"));
  assert.match((await world.install([])).output, /takes effect when it starts/);
  assert.equal(await world.tree.restarts(), 0);
});

const rule = (id: string): string => `<group name="x,">\n<rule level="3" id="${id}"></rule>\n</group>\n`;
const cluster = (role: string, disabled: string): string =>
  `<ossec_config>\n<cluster>\n<name>wazuh</name>\n<node_type>${role}</node_type>\n<disabled>${disabled}</disabled>\n</cluster>\n</ossec_config>\n`;
for (const [what, conf, hasRules] of [
  ["a worker of a cluster", cluster("worker", "no"), false],
  ["the master of a cluster", cluster("master", "no"), true],
  ["a manager whose cluster is switched off", cluster("worker", "yes"), true],
  ["a manager without a cluster", "<ossec_config>\n</ossec_config>\n", true],
] as const) {
  test(`${what} ${hasRules ? "gets" : "does not get"} the rules`, { skip }, async () => {
    await using world = await InstallWorld.create();
    await writeFile(world.tree.conf, conf);
    assert.equal((await world.install(given)).code, 0);
    const there = await world.snapshot();
    for (const name of ["rules/dfn_rules.xml", "rules/dfn_event_rules.xml", "decoders/zz_dfn_decoders.xml"]) {
      assert.equal(
        there.some((line) => line.startsWith(`var/ossec/etc/${name} `)),
        hasRules,
        name,
      );
    }
    assert.match((await world.install([])).output, /nothing was changed/);
  });
}

test(
  "rule ids that are in use are avoided, even in a directory of the administrator's; what was chosen stays",
  { skip },
  async () => {
    await using world = await InstallWorld.create();
    const conf = "<ossec_config>\n<ruleset>\n<rule_dir>etc/more</rule_dir>\n</ruleset>\n</ossec_config>\n";
    await writeFile(world.tree.conf, conf);
    await world.tree.write("var/ossec/etc/rules/local_rules.xml", rule("111742"), 0o660);
    await world.tree.write("var/ossec/etc/more/theirs.xml", rule("100099"), 0o660);
    assert.equal((await world.install(given)).code, 0);
    const rules = await world.tree.read("var/ossec/etc/rules/dfn_rules.xml");
    assert.match(rules, /<rule id="100100" level="0">/);
    assert.match(rules, /<if_sid>100100<\/if_sid>/);
    assert.match(rules, /<if_sid>530<\/if_sid>/);
    assert.doesNotMatch(rules, /1117/);
    const events = await world.tree.read("var/ossec/etc/rules/dfn_event_rules.xml");
    assert.match(events, /<rule id="100120" level="3">\n *<if_sid>60103<\/if_sid>/);
    assert.doesNotMatch(events, /1117/);
    assert.equal(await world.tree.complaints(), "");
    // The conflicting id is gone: what an earlier run chose stays, because others may refer to it.
    await world.tree.write("var/ossec/etc/rules/local_rules.xml", rule("100001"), 0o660);
    assert.match((await world.install([])).output, /nothing was changed/);
    // Somebody has used one of the ids since.
    await world.tree.write("var/ossec/etc/rules/local_rules.xml", rule("100105"), 0o660);
    assert.equal((await world.install([])).code, 0);
    assert.match(await world.tree.read("var/ossec/etc/rules/dfn_rules.xml"), /<rule id="111700"/);
  },
);

test("an id that was put into one of our files by hand is not given to another of our files", { skip }, async () => {
  await using world = await InstallWorld.create();
  assert.equal((await world.install(given)).code, 0);
  const path = "var/ossec/etc/rules/dfn_rules.xml";
  await writeFile(world.tree.join(path), `${await world.tree.read(path)}${rule("111720")}`);
  assert.equal((await world.install([])).code, 0);
  const events = await world.tree.read("var/ossec/etc/rules/dfn_event_rules.xml");
  assert.match(events, /<rule id="100120" level="3">/);
  assert.match((await world.install([])).output, /nothing was changed/);
});

for (const [how, tag] of Object.entries({
  "over several lines": '<rule\n      level="3"\n\tid="111742"\n>',
  "with the other quote": "<rule id='111742' level='3'>",
  "behind a comment": '<!-- x > y --><rule level="3" id="111742">',
  "as a variable": '<var name="MINE">111742</var><rule id="$MINE" level="3">',
})) {
  test(`an id that a rule uses ${how} is seen; one in a comment is free`, { skip }, async () => {
    await using world = await InstallWorld.create();
    await world.tree.agree();
    const theirs = `<!-- <rule id="100042" level="3"></rule> -->\n${tag}</rule>\n`;
    await world.tree.write("var/ossec/etc/rules/local_rules.xml", theirs, 0o660);
    assert.equal((await world.install(given)).code, 0);
    assert.match(await world.tree.read("var/ossec/etc/rules/dfn_rules.xml"), /<rule id="100000" level="0">/);
  });
}

test(
  "an upgrade keeps configuration and state, replaces the package's files and removes those that it no longer has",
  { skip },
  async () => {
    await using world = await InstallWorld.create("1.0.0");
    await world.addToPackage("usr/share/doc/wazuh-dfn/old.md", "old\n");
    await world.install(given);
    await world.tree.write("var/lib/wazuh-dfn/checkpoint.json", "{}", 0o600);
    const config = `${await world.tree.read("etc/wazuh-dfn/config.yaml")}log: { level: debug }\n`;
    await writeFile(world.tree.join("etc/wazuh-dfn/config.yaml"), config);
    await world.use("1.10.0");
    const { code, output } = await world.install([]);
    assert.equal(code, 0, output);
    assert.equal(await world.tree.read("usr/lib/wazuh-dfn/wazuh-dfn.cjs"), "// 1.10.0\n");
    assert.equal(await world.tree.read("usr/lib/wazuh-dfn/wazuh-dfn.cache"), "of // 1.10.0\n");
    assert.match(await world.tree.read("var/ossec/integrations/custom-dfn"), /1\.10\.0/);
    assert.equal(await world.tree.read("etc/wazuh-dfn/config.yaml"), config);
    assert.equal(await world.tree.read("var/lib/wazuh-dfn/checkpoint.json"), "{}");
    await assert.rejects(world.tree.read("usr/share/doc/wazuh-dfn/old.md"));
    assert.equal((await world.snapshot()).filter((line) => /\.(?:old|new) |undo/.test(line)).length, 0);
    assert.equal(await world.tree.restarts(), 1, "a new version alone needs no restart of the manager");

    await world.use("1.9.0");
    const installed = await world.snapshot();
    const older = await world.install([]);
    assert.equal(older.code, 78, older.output);
    assert.match(older.output, /1\.10\.0 is installed, and 1\.9\.0 is older/);
    assert.deepEqual(await world.snapshot(), installed);
  },
);

test("a package that was truncated or altered is not installed", { skip }, async () => {
  await using world = await InstallWorld.create();
  const before = await world.snapshot();
  await writeFile(join(world.package, "usr/lib/wazuh-dfn/wazuh-dfn.cjs"), "");
  const { code, output } = await world.install(given);
  assert.equal(code, 69);
  assert.match(output, /damaged/);
  assert.deepEqual(await world.snapshot(), before);
});

test("files that a deb or rpm installed stay its own", { skip }, async () => {
  await using world = await InstallWorld.create();
  await world.placePackage();
  const before = await world.snapshot();
  const args = ["--root", world.tree.root, "--yes"];
  const installed = await runScript(world.tree.root, "install", [...args, ...given]);
  assert.equal(installed.code, 0, installed.output);
  const refused = await world.install([]);
  assert.equal(refused.code, 69);
  assert.match(refused.output, /belongs to an installed deb or rpm/);
  const removed = await runScript(world.tree.root, "uninstall", [...args, "--purge"]);
  assert.equal(removed.code, 0, removed.output);
  assert.match(removed.output, /apt remove wazuh-dfn/);
  assert.deepEqual(await world.snapshot(), before);
});

test("wrong calls change nothing and say what is wrong", { skip }, async () => {
  await using world = await InstallWorld.create();
  const before = await world.snapshot();
  for (const [args, code, text] of [
    [["--customer-id", "x"], 64, /--broker/],
    [["--broker", "a:1"], 64, /--customer-id/],
    [["--broker", "a", "--customer-id", "x"], 64, /"a" is not well formed/],
    [["--broker", "a:1", "--customer-id", 'x" y'], 64, /not well formed/],
    [[...given, "--own-network", "all"], 64, /--own-network/],
    [[...given, "--cert", "/nowhere"], 64, /belong together/],
    [[...given, "--ca", "/nowhere"], 69, /cannot be read/],
    [[...given, "--wazuh-home", "/nowhere"], 69, /no Wazuh manager/],
    [[...given, "--wazuh-home", "../x"], 64, /must begin with/],
    [["--frobnicate"], 64, /unknown option/],
  ] as const) {
    const ended = await world.install(args);
    assert.equal(ended.code, code, ended.output);
    assert.match(ended.output, text);
  }
  assert.deepEqual(await world.snapshot(), before);
  assert.match((await world.uninstall(["--purge"])).output, /not installed here/);
  assert.deepEqual(await world.snapshot(), before);
});

test("without root nothing is attempted", { skip }, async () => {
  await using world = await InstallWorld.create();
  const args = ["--root", world.tree.root, "--yes", ...given];
  const { code, output } = await runScript(world.package, "install", args, { uid: 65534 });
  assert.equal(code, 77);
  assert.match(output, /needs root/);
});
