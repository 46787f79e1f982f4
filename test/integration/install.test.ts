/** scripts/install and scripts/uninstall on fake managers: what they change, and what they leave unchanged. */
import assert from "node:assert/strict";
import { chmod, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { InstallWorld, skip } from "../rig/install-world.ts";
import { wazuhId } from "../rig/wazuh/installable-manager.ts";

const given = ["--broker", "kafka.example.org:9093", "--customer-id", "abc-1"];

test(
  "install, again, uninstall --purge: the second run changes nothing, the last leaves no trace",
  { skip },
  async () => {
    await using world = await InstallWorld.create();
    const before = await world.snapshot();
    const first = await world.install(given);
    assert.equal(first.code, 0, first.output);
    assert.equal(await world.tree.restarts(), 1);
    assert.equal(await world.tree.complaints(), "");
    const installed = await world.snapshot();
    assert.ok(installed.some((line) => line.startsWith(`var/ossec/integrations/custom-dfn 100750 0:${wazuhId} `)));
    assert.ok(installed.some((line) => line.startsWith(`etc/wazuh-dfn/config.yaml 100640 0:${wazuhId} `)));
    assert.match(installed.join("\n"), new RegExp(`^var/lib/wazuh-dfn 40750 \\d+:${wazuhId}$`, "m"));
    assert.match(installed.join("\n"), /^usr\/lib\/wazuh-dfn\/wazuh-dfn\.cache 100644 0:0 /m);

    const second = await world.install([]);
    assert.equal(second.code, 0, second.output);
    assert.match(second.output, /nothing was changed/);
    assert.deepEqual(await world.snapshot(), installed);
    assert.equal(await world.tree.restarts(), 1);

    const last = await world.uninstall(["--purge"]);
    assert.equal(last.code, 0, last.output);
    assert.deepEqual(await world.snapshot(), before);
    assert.equal(await world.tree.restarts(), 2);
  },
);

test(
  "uninstall without --purge keeps configuration and state; a new installation continues with them; --purge later removes the rest",
  { skip },
  async () => {
    await using world = await InstallWorld.create();
    const before = await world.snapshot();
    await world.install(given);
    const installed = await world.snapshot();
    await world.tree.write("var/lib/wazuh-dfn/checkpoint.json", "{}", 0o600);
    assert.equal((await world.uninstall([])).code, 0);
    assert.equal(await world.tree.read("var/lib/wazuh-dfn/checkpoint.json"), "{}");
    assert.match(await world.tree.read("etc/wazuh-dfn/config.yaml"), /abc-1/);
    assert.match((await world.uninstall([])).output, /not installed/);

    assert.equal((await world.install([])).code, 0);
    assert.equal(await world.tree.read("var/lib/wazuh-dfn/checkpoint.json"), "{}");
    await rm(world.tree.join("var/lib/wazuh-dfn/checkpoint.json"));
    assert.deepEqual(
      (await world.snapshot()).filter((line) => !line.includes("/install/record ")),
      installed.filter((line) => !line.includes("/install/record ")),
    );

    await world.uninstall([]);
    assert.equal((await world.uninstall(["--purge"])).code, 0);
    assert.deepEqual(await world.snapshot(), before);
  },
);

test("a code cache that cannot be made is reported, and keeps nobody from installing", { skip }, async () => {
  await using world = await InstallWorld.create();
  const runtime = await readFile(join(world.package, "usr/lib/wazuh-dfn/bin/node"), "utf8");
  await world.alterPackage(
    "bin/node",
    runtime.replace(/^(.*make-code-cache\.cjs\)).*$/m, '$1 echo "no room" >&2; exit 1 ;;'),
  );
  const before = await world.snapshot();
  const { code, output } = await world.install(given);
  assert.equal(code, 0, output);
  assert.match(output, /no code cache could be made, so wazuh-dfn will start more slowly: no room/);
  await assert.rejects(stat(world.tree.join("usr/lib/wazuh-dfn/wazuh-dfn.cache")));
  assert.equal((await world.uninstall(["--purge"])).code, 0);
  assert.deepEqual(await world.snapshot(), before);
});

test("a dry run names every change and makes none", { skip }, async () => {
  await using world = await InstallWorld.create();
  const before = await world.snapshot();
  const dry = await world.install([...given, "--dry-run"]);
  assert.equal(dry.code, 0, dry.output);
  assert.deepEqual(await world.snapshot(), before);
  assert.match(dry.output, /<name>custom-dfn<\/name>/);
  const planned = changesIn(dry.output.replaceAll(/^would /gm, ""));
  const done = changesIn((await world.install(given)).output);
  assert.deepEqual(planned, done);
  const installed = await world.snapshot();
  assert.equal((await world.uninstall(["--dry-run", "--purge"])).code, 0);
  assert.deepEqual(await world.snapshot(), installed);
});

function changesIn(output: string): string[] {
  return output
    .split("\n")
    .filter((line) => /^(?:make|write|place|link|append|restart) /.test(line))
    .toSorted();
}

const endings = {
  "no line break at its end": "<ossec_config>\n</ossec_config>",
  "CRLF line ends": "<ossec_config>\r\n  <global></global>\r\n</ossec_config>\r\n",
  "bytes that are not UTF-8": Buffer.from("<ossec_config>\n<!-- \xff\xfe caf\xe9 -->\n</ossec_config>\n", "latin1"),
  "blank lines at its end": "<ossec_config>\n</ossec_config>\n\n\n",
};
for (const [what, conf] of Object.entries(endings)) {
  test(
    `ossec.conf with ${what}: the block is appended, everything else stays byte for byte, and comes back`,
    { skip },
    async () => {
      await using world = await InstallWorld.create();
      await writeFile(world.tree.conf, conf);
      await chmod(world.tree.conf, 0o640);
      const before = await readFile(world.tree.conf);
      assert.equal((await world.install(given)).code, 0);
      const after = await readFile(world.tree.conf);
      assert.ok(after.subarray(0, before.length).equals(before));
      assert.match(after.subarray(before.length).toString(), /^\n?<!-- wazuh-dfn: begin/);
      const { mode, uid, gid } = await stat(world.tree.conf);
      assert.deepEqual([mode & 0o777, uid, gid], [0o640, 0, wazuhId]);
      assert.match((await world.install([])).output, /nothing was changed/);
      assert.equal((await world.uninstall([])).code, 0);
      assert.ok((await readFile(world.tree.conf)).equals(before));
    },
  );
}

test("what follows the block stays there when the block changes and when it is removed", { skip }, async () => {
  await using world = await InstallWorld.create();
  const before = await world.tree.read("var/ossec/etc/ossec.conf");
  await world.install(given);
  const added = "<ossec_config>\n  <global></global>\n</ossec_config>\n";
  await writeFile(world.tree.conf, (await world.tree.read("var/ossec/etc/ossec.conf")) + added);
  assert.equal((await world.install(["--no-integration"])).code, 0);
  const text = await world.tree.read("var/ossec/etc/ossec.conf");
  assert.doesNotMatch(text, /custom-dfn<\/name>/);
  assert.ok(text.startsWith(before) && text.endsWith(`<!-- wazuh-dfn: end -->\n${added}`));
  await world.uninstall([]);
  assert.equal(await world.tree.read("var/ossec/etc/ossec.conf"), before + added);
});

test(
  "FIM and rootcheck exclusions are only added if those are configured: a section alone would switch them on",
  { skip },
  async () => {
    await using world = await InstallWorld.create();
    await writeFile(world.tree.conf, "<ossec_config>\n  <!-- <syscheck></syscheck> -->\n</ossec_config>\n");
    await world.install(given);
    const block = (await world.tree.read("var/ossec/etc/ossec.conf")).split("wazuh-dfn: begin")[1] ?? "";
    assert.match(block, /<integration>/);
    assert.doesNotMatch(block, /<syscheck>|<rootcheck>/);
  },
);

test("a block that was changed by hand is kept, and so are changed rules", { skip }, async () => {
  await using world = await InstallWorld.create();
  await world.install(given);
  const mine = (await world.tree.read("var/ossec/etc/ossec.conf")).replace(
    "<group>windows,fail2ban</group>",
    "<level>7</level>",
  );
  await writeFile(world.tree.conf, mine);
  const rules = `${await world.tree.read("var/ossec/etc/rules/dfn_rules.xml")}<!-- mine -->\n`;
  await writeFile(world.tree.join("var/ossec/etc/rules/dfn_rules.xml"), rules);
  const again = await world.install([]);
  assert.match(again.output, /block .* changed by hand/);
  assert.equal(await world.tree.read("var/ossec/etc/ossec.conf"), mine);
  await world.uninstall([]);
  assert.equal(await world.tree.read("var/ossec/etc/rules/dfn_rules.xml"), rules);
});

for (const name of ["rules/dfn_event_rules.xml", "decoders/zz_dfn_decoders.xml"]) {
  test(
    `${name} that was changed by hand is kept by a further run and by uninstall, which removes the others`,
    { skip },
    async () => {
      await using world = await InstallWorld.create();
      await world.install(given);
      const path = `var/ossec/etc/${name}`;
      const mine = `${await world.tree.read(path)}<!-- mine -->\n`;
      await writeFile(world.tree.join(path), mine);
      assert.match((await world.install([])).output, new RegExp(`${name} was created or changed by hand`));
      assert.equal(await world.tree.read(path), mine);
      assert.match((await world.uninstall([])).output, new RegExp(`${name} was changed by hand, so it is kept`));
      assert.equal(await world.tree.read(path), mine);
      const left = (await world.snapshot()).filter((line) => /dfn_(?:event_)?(?:rules|decoders)/.test(line));
      assert.equal(left.length, 1, left.join("\n"));
    },
  );
}

test(
  "an upgrade from a version that had no rules for events brings them, also next to rules that were changed by hand",
  { skip },
  async () => {
    await using world = await InstallWorld.create();
    await world.install(given);
    const rules = `${await world.tree.read("var/ossec/etc/rules/dfn_rules.xml")}<!-- mine -->\n`;
    await writeFile(world.tree.join("var/ossec/etc/rules/dfn_rules.xml"), rules);
    const [events, decoders] = [
      "var/ossec/etc/rules/dfn_event_rules.xml",
      "var/ossec/etc/decoders/zz_dfn_decoders.xml",
    ];
    await rm(world.tree.join(events));
    await rm(world.tree.join(decoders));
    const record = "etc/wazuh-dfn/install/record";
    const older = (await world.tree.read(record)).replaceAll(
      /^(?:event_rules|decoders|file .*(?:event_rules|decoders)).*\n/gm,
      "",
    );
    await writeFile(world.tree.join(record), older);
    assert.equal((await world.install([])).code, 0);
    assert.match(await world.tree.read(events), /<rule id="111720" level="3">/);
    assert.match(await world.tree.read(decoders), /<decoder name="dfn-fail2ban">/);
    assert.equal(await world.tree.complaints(), "");
  },
);

test(
  "the agent's snippet in the manager's own ossec.conf belongs to the administrator, and stays",
  { skip },
  async () => {
    await using world = await InstallWorld.create();
    await world.install(given);
    const conf = `${await world.tree.read("var/ossec/etc/ossec.conf")}${await readFile("ossec-snippets/agent-fail2ban.xml", "utf8")}`;
    await writeFile(world.tree.conf, conf);
    await world.uninstall([]);
    assert.match(await world.tree.read("var/ossec/etc/ossec.conf"), /<out_format>fail2ban: \$\(log\)<\/out_format>/);
  },
);

test("an integration block written by hand stays the only one", { skip }, async () => {
  await using world = await InstallWorld.create();
  const conf =
    "<ossec_config>\n<integration>\n<name>custom-dfn</name>\n<alert_format>json</alert_format>\n</integration>\n</ossec_config>\n";
  await writeFile(world.tree.conf, conf);
  const { code, output } = await world.install(given);
  assert.equal(code, 0, output);
  assert.match(output, /written by hand/);
  assert.equal((await world.tree.read("var/ossec/etc/ossec.conf")).split("<name>custom-dfn").length, 2);
});

test(
  "--no-integration installs the tail alone, later runs keep to it, --integration adds the rest",
  { skip },
  async () => {
    await using world = await InstallWorld.create();
    assert.equal((await world.install([...given, "--no-integration"])).code, 0);
    await assert.rejects(world.tree.read("var/ossec/integrations/custom-dfn"));
    assert.match((await world.install([])).output, /nothing was changed/);
    assert.equal((await world.install(["--integration"])).code, 0);
    await world.tree.read("var/ossec/integrations/custom-dfn");
    assert.equal((await world.install(["--no-integration"])).code, 0);
    await assert.rejects(world.tree.read("var/ossec/integrations/custom-dfn"));
  },
);

test("certificates are copied, the key for the forwarder alone", { skip }, async () => {
  await using world = await InstallWorld.create();
  for (const name of ["ca", "cert", "key"]) await world.tree.write(`root/${name}.pem`, `${name}\n`, 0o600);
  const files = ["ca", "cert", "key"].flatMap((name) => [`--${name}`, world.tree.join(`root/${name}.pem`)]);
  assert.equal((await world.install([...given, "--own-network", "192.0.2.0/24,2001:db8::/32", ...files])).code, 0);
  const uid = Number(/^wazuh-dfn:x:(\d+):/m.exec(await world.tree.read("etc/passwd"))?.[1]);
  const key = await stat(world.tree.join("etc/wazuh-dfn/key.pem"));
  assert.deepEqual([key.mode & 0o777, key.uid, key.gid], [0o400, uid, 0]);
  const config = await world.tree.read("etc/wazuh-dfn/config.yaml");
  assert.match(config, /tls: \{ ca: "\/etc\/wazuh-dfn\/ca\.pem", cert: "\/etc\/wazuh-dfn\/cert\.pem", key: /);
  assert.match(config, /own_network: \["192\.0\.2\.0\/24", "2001:db8::\/32"\]/);
  const later = await world.install(["--broker", "other:1"]);
  assert.match(later.output, /kept.*are ignored/);
  assert.equal(await world.tree.read("etc/wazuh-dfn/config.yaml"), config);
});

test("a configuration that was there before keeps its text, and the forwarder may read it", { skip }, async () => {
  await using world = await InstallWorld.create();
  const text = "dfn: { customer_id: abc }\nsink: { kafka: { brokers: [a:1] } }\n";
  const path = world.tree.join("etc/wazuh-dfn/config.yaml");
  await world.tree.write("etc/wazuh-dfn/config.yaml", text, 0o600);
  const before = await world.snapshot();
  await world.tree.write("var/ossec/var/run/falls", "", 0o600);
  assert.equal((await world.install([])).code, 74);
  assert.deepEqual(await world.snapshot(), before, "undone");
  const planned = await world.install(["--dry-run"]);
  assert.match(planned.output, /^would let the forwarder read \/etc\/wazuh-dfn\/config\.yaml \(group wazuh\)$/m);
  const { code, output } = await world.install([]);
  assert.equal(code, 0, output);
  const { mode, uid, gid } = await stat(path);
  assert.deepEqual([mode & 0o777, uid, gid], [0o640, 0, wazuhId]);
  assert.equal(await readFile(path, "utf8"), text);
  assert.match((await world.install([])).output, /nothing was changed/);
});

for (const [what, mode, gid] of [
  ["everybody", 0o644, 0],
  ["the forwarder's group", 0o640, wazuhId],
] as const) {
  test(`a configuration that ${what} may read is left unchanged`, { skip }, async () => {
    await using world = await InstallWorld.create();
    const path = "etc/wazuh-dfn/config.yaml";
    await world.tree.write(path, "dfn: { customer_id: abc }\n", mode, 0, gid);
    assert.equal((await world.install([])).code, 0);
    const found = await stat(world.tree.join(path));
    assert.deepEqual([found.mode & 0o777, found.uid, found.gid], [mode, 0, gid]);
  });
}

test("a manager in another place: configuration and unit name it", { skip }, async () => {
  await using world = await InstallWorld.create();
  await world.moveHome("srv/wazuh");
  const at = ["--wazuh-home", "/srv/wazuh"];
  const { code, output } = await world.install([...given, ...at]);
  assert.equal(code, 0, output);
  assert.match(await world.tree.read("etc/wazuh-dfn/config.yaml"), /home: "\/srv\/wazuh"/);
  const dropin = await world.tree.read("etc/systemd/system/wazuh-dfn.service.d/wazuh-home.conf");
  assert.match(dropin, /^TemporaryFileSystem=\/srv\/wazuh:ro$/m);
  assert.match(dropin, /^BindReadOnlyPaths=\/srv\/wazuh\/logs\/alerts \/srv\/wazuh\/queue\/sockets$/m);
  assert.equal((await world.uninstall(["--purge"])).code, 0);
});
