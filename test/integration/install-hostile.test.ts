/**
 * scripts/install and uninstall while user wazuh is taken over: it owns much of the manager's tree, and puts links,
 * pipes and other files into root's way, before a run and at the worst moment of it.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, chown, copyFile, link, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { HostileWazuh } from "../rig/hostile-wazuh.ts";
import { InstallWorld, skip } from "../rig/install-world.ts";
import { wazuhId } from "../rig/wazuh/installable-manager.ts";

const given = ["--broker", "kafka.example.org:9093", "--customer-id", "abc-1"];

const rulesToVictims =
  'fs.renameSync(home + "/etc/rules", home + "/etc/aside"); fs.symlinkSync(victims, home + "/etc/rules");';
const rulesBack = 'fs.unlinkSync(home + "/etc/rules"); fs.renameSync(home + "/etc/aside", home + "/etc/rules");';
const confAside = 'fs.renameSync(home + "/etc/ossec.conf", home + "/etc/aside.conf");';
const confBack = 'fs.renameSync(home + "/etc/aside.conf", home + "/etc/ossec.conf");';

test("a link in place of etc/rules: nothing is written through it, and everything is as before", { skip }, async () => {
  await using world = await InstallWorld.create();
  await using wazuh = await HostileWazuh.in(world);
  wazuh.now(rulesToVictims);
  const before = await world.snapshot();
  const { code, output } = await world.install(given);
  assert.notEqual(code, 0, output);
  assert.match(output, /etc\/rules is a symbolic link/);
  assert.deepEqual(await world.snapshot(), before);
  await wazuh.gainedNothing();
});

const inPlaceOfConf: Readonly<Record<string, readonly [statements: string, message: RegExp]>> = {
  "a link to a file of root's": [
    `${confAside} fs.symlinkSync(victims + "/secret.xml", home + "/etc/ossec.conf");`,
    /ossec\.conf is a symbolic link/,
  ],
  "a pipe": [
    `${confAside} require("node:child_process").execFileSync("mkfifo", [home + "/etc/ossec.conf"]);`,
    /ossec\.conf is not a regular file/,
  ],
  "a directory": [`${confAside} fs.mkdirSync(home + "/etc/ossec.conf");`, /ossec\.conf is not a regular file/],
  "a file of a terabyte": [
    'fs.truncateSync(home + "/etc/ossec.conf", 2 ** 40);',
    /ossec\.conf is larger than \d+ bytes/,
  ],
  "four megabytes of tags": [
    'fs.writeFileSync(home + "/etc/ossec.conf", "<a>".repeat(1390000));',
    /ossec\.conf: line 1: more than 1024 elements/,
  ],
  "a file with terminal control sequences": [
    'fs.writeFileSync(home + "/etc/ossec.conf", "<\\x1b]0;x\\x07>");',
    /line 1: <\?\]0;x\?> is never closed/,
  ],
};
for (const [what, [statements, message]] of Object.entries(inPlaceOfConf)) {
  test(`${what} in place of ossec.conf: it is reported, and nothing is changed`, { skip }, async () => {
    // The manager's own programs read it too; what they use of it is not ours to check.
    await using world = await InstallWorld.create();
    await world.tree.agree();
    await using wazuh = await HostileWazuh.in(world);
    wazuh.now(statements);
    const { code, output } = await world.install(given);
    assert.notEqual(code, 0, output);
    assert.match(output, message);
    assert.ok(!output.includes("\x1b"), output);
    await assert.rejects(stat(world.tree.join("etc/wazuh-dfn")), "nothing was begun");
    await wazuh.gainedNothing();
  });
}

for (const what of ["a link to a file of root's", "a pipe", "a file of a terabyte"]) {
  test(`${what} in place of ossec.conf: uninstall reports it, and changes nothing`, { skip }, async () => {
    await using world = await InstallWorld.create();
    await world.tree.agree();
    await world.install(given);
    await using wazuh = await HostileWazuh.in(world);
    const [statements = "", message = /^/] = inPlaceOfConf[what] ?? [];
    const others = async (): Promise<string[]> =>
      (await world.snapshot()).filter((line) => !line.startsWith("var/ossec/etc/"));
    const before = await others();
    wazuh.now(statements);
    const { code, output } = await world.uninstall(["--purge"]);
    assert.notEqual(code, 0, output);
    assert.match(output, message);
    await rm(world.tree.conf, { recursive: true });
    assert.deepEqual(await others(), before);
    await wazuh.gainedNothing();
  });
}

test("ossec.conf that is a second name of a file that only root may read is not read", { skip }, async () => {
  await using world = await InstallWorld.create();
  await using wazuh = await HostileWazuh.in(world);
  // Kernels without fs.protected_hardlinks let user wazuh do this.
  await rm(world.tree.conf);
  await link(join(wazuh.victims, "secret.xml"), world.tree.conf);
  const { code, output } = await world.install(given);
  assert.notEqual(code, 0, output);
  assert.match(output, /ossec\.conf has 2 names/);
  await rm(world.tree.conf);
  await wazuh.gainedNothing();
});

const atTheWorstMoment: Readonly<
  Record<string, readonly [program: string, call: string, nth: number, statements: string, message: RegExp]>
> = {
  "ossec.conf becomes a link to a file of root's after the check": [
    "wazuh-dfn-node",
    "keep",
    1,
    `${confAside} fs.symlinkSync(victims + "/secret.xml", home + "/etc/ossec.conf");`,
    /ossec\.conf is a symbolic link/,
  ],
  "ossec.conf gets another content after the check": [
    "wazuh-dfn-node",
    "--at etc/ossec.conf --temp",
    1,
    'fs.appendFileSync(home + "/etc/ossec.conf", "<!-- mine -->\\n");',
    /ossec\.conf was changed by somebody else/,
  ],
  "ossec.conf becomes another file with the same content while its successor is written": [
    "cp",
    "--attributes-only",
    2,
    `fs.copyFileSync(home + "/etc/ossec.conf", home + "/etc/copy"); ${confAside} fs.renameSync(home + "/etc/copy", home + "/etc/ossec.conf");`,
    /ossec\.conf was changed by somebody else/,
  ],
  "the file that is being written becomes a link to a file of root's": [
    "cp",
    "--attributes-only",
    2,
    `for (const name of fs.readdirSync(home + "/etc").filter((one) => one.startsWith(".wazuh-dfn")))
       fs.unlinkSync(home + "/etc/" + name), fs.symlinkSync(victims + "/profile.sh", home + "/etc/" + name);`,
    /ossec\.conf was replaced by somebody else/,
  ],
  "etc/rules becomes a link to a directory of root's": [
    "wazuh-dfn-node",
    "--at etc/rules/dfn_rules.xml",
    1,
    rulesToVictims,
    /etc\/rules is a symbolic link/,
  ],
};
for (const [what, [program, call, nth, statements, message]] of Object.entries(atTheWorstMoment)) {
  test(`${what}: the run fails, says so, and root's files stay`, { skip }, async () => {
    await using world = await InstallWorld.create();
    await world.tree.agree();
    await using wazuh = await HostileWazuh.in(world);
    const path = await wazuh.before(program, call, statements, nth);
    const { code, output } = await world.installAlone(given, path);
    assert.notEqual(code, 0, output);
    assert.match(output, message);
    await wazuh.gainedNothing();
    // What root put elsewhere is removed in any case.
    await assert.rejects(stat(world.tree.join("usr/lib/wazuh-dfn")));
  });
}

test(
  "what cannot be undone because of a link is reported; once the link is gone, the next run undoes it",
  { skip },
  async () => {
    await using world = await InstallWorld.create();
    await world.tree.agree();
    const before = await world.snapshot();
    await using wazuh = await HostileWazuh.in(world);
    // The rules are in place by then; ossec.conf is the next one, and it is not what it was.
    const swap = `fs.appendFileSync(home + "/etc/ossec.conf", " "); ${rulesToVictims}`;
    await copyFile(world.tree.conf, world.join("conf"));
    const path = await wazuh.before("wazuh-dfn-node", "--at etc/ossec.conf --temp", swap);
    const { code, output } = await world.installAlone(given, path);
    assert.notEqual(code, 0, output);
    assert.match(output, /left as it is, please fix it by hand: remove \/var\/ossec\/etc\/rules\/dfn_rules\.xml/);
    await wazuh.gainedNothing();
    wazuh.now(rulesBack);
    const next = await world.uninstall(["--purge"]);
    assert.match(next.output, /an earlier run was interrupted/);
    execFileSync("cp", ["-a", "--attributes-only", world.tree.conf, world.join("conf")]);
    await copyFile(world.join("conf"), world.tree.conf);
    assert.deepEqual(await world.snapshot(), before);
  },
);

test("uninstall removes nothing through a link", { skip }, async () => {
  await using world = await InstallWorld.create();
  await world.tree.agree();
  await world.install(given);
  await using wazuh = await HostileWazuh.in(world);
  await copyFile(world.tree.join("var/ossec/etc/rules/dfn_rules.xml"), join(wazuh.victims, "dfn_rules.xml"));
  wazuh.now(rulesToVictims);
  const { code, output } = await world.uninstall(["--purge"]);
  assert.notEqual(code, 0, output);
  assert.match(output, /etc\/rules is a symbolic link/);
  await stat(join(wazuh.victims, "dfn_rules.xml"));
  wazuh.now(rulesBack);
  assert.equal((await world.uninstall(["--purge"])).code, 0);
});

test(
  "etc/rules is moved away while root works in it: it is reported, and what was done is undone",
  { skip },
  async () => {
    await using world = await InstallWorld.create();
    await world.tree.agree();
    await world.install(given);
    const installed = await world.snapshot();
    await using wazuh = await HostileWazuh.in(world);
    const swap = 'fs.renameSync(home + "/etc/rules", home + "/etc/aside"); fs.mkdirSync(home + "/etc/rules");';
    // The third file whose owner is kept: ossec.conf, the new one in its place, the rules.
    const path = await wazuh.before("cp", "--attributes-only", swap, 3);
    const { code, output } = await world.uninstallAlone(["--purge"], path);
    assert.notEqual(code, 0, output);
    assert.match(output, /etc\/rules was moved by somebody/);
    wazuh.now('fs.rmdirSync(home + "/etc/rules"); fs.renameSync(home + "/etc/aside", home + "/etc/rules");');
    assert.deepEqual(await world.snapshot(), installed);
  },
);

test("links, pipes and giants among the rules are skipped and named", { skip }, async () => {
  await using world = await InstallWorld.create();
  await world.tree.agree();
  await using wazuh = await HostileWazuh.in(world);
  wazuh.now(`
    const rules = home + "/etc/rules/";
    fs.symlinkSync(victims + "/secret.xml", rules + "link.xml");
    require("node:child_process").execFileSync("mkfifo", [rules + "pipe.xml"]);
    fs.writeFileSync(rules + "giant.xml", "");
    fs.truncateSync(rules + "giant.xml", 2 ** 40);
    fs.writeFileSync(rules + "bad\\n\\x1b[2J.xml", "<".repeat(1e6));
    fs.writeFileSync(home + "/etc/ossec.conf", "<ossec_config><ruleset><rule_dir>../../victims</rule_dir><rule_dir>etc/away</rule_dir></ruleset></ossec_config>\\n");
    fs.symlinkSync(victims, home + "/etc/away");
  `);
  const { code, output } = await world.install(given);
  assert.equal(code, 0, output);
  for (const [name, why] of [
    ["link.xml", "is a symbolic link"],
    ["pipe.xml", "is not a regular file"],
    ["giant.xml", "is larger than"],
    ["../../victims", "leads out"],
    ["etc/away", "is a symbolic link"],
  ] as const) {
    assert.match(output, new RegExp(`${name.replaceAll(".", "\\.")} was not looked at for rule ids: .*${why}`));
  }
  assert.ok(!output.includes("\x1b"));
  await wazuh.gainedNothing();
});

for (const [what, path, mode, uid] of [
  ["a program", "var/ossec/bin/wazuh-control", 0o770, 0],
  ["a program", "var/ossec/bin/wazuh-analysisd", 0o750, wazuhId],
  ["the directory of programs", "var/ossec/bin", 0o770, 0],
  ["a directory above them", "var/ossec", 0o770, 0],
] as const) {
  test(
    `root runs no program of the manager if others may change ${what} (${path} ${mode.toString(8)})`,
    { skip },
    async () => {
      await using world = await InstallWorld.create();
      await chown(world.tree.join(path), uid, wazuhId);
      await chmod(world.tree.join(path), mode);
      const before = await world.snapshot();
      const { code, output } = await world.install(given);
      assert.equal(code, 78, output);
      assert.match(output, /others may change/);
      assert.deepEqual(await world.snapshot(), before);
    },
  );
}

test("a record that others may write to is not believed", { skip }, async () => {
  await using world = await InstallWorld.create();
  await world.tree.agree();
  await world.install(given);
  await using wazuh = await HostileWazuh.in(world);
  const record = world.tree.join("etc/wazuh-dfn/install");
  await chmod(record, 0o777);
  await chmod(world.tree.join("etc/wazuh-dfn"), 0o770);
  wazuh.now(`fs.writeFileSync(${JSON.stringify(join(record, "journal"))}, "tree\\t" + victims + "\\t-\\t.\\n");`);
  for (const run of [await world.install([]), await world.uninstall([])]) {
    assert.equal(run.code, 78, run.output);
    assert.match(run.output, /only root may write to/);
  }
  await chmod(world.tree.join("etc/wazuh-dfn"), 0o750);
  await chmod(record, 0o700);
  // The directories are root's again, what was left in them is not.
  const run = await world.install([]);
  assert.equal(run.code, 78, run.output);
  await wazuh.gainedNothing();
});

test("a manager's program that never ends is ended, and the run with it", { skip }, async () => {
  await using world = await InstallWorld.create();
  const before = await world.snapshot();
  // As wazuh-analysisd does if ossec.conf is a pipe by then.
  await world.tree.write("var/ossec/bin/wazuh-integratord", "#!/bin/sh\nexec sleep 3600\n", 0o750);
  await writeFile(world.join("timeout"), '#!/bin/sh\nshift 3\nexec /usr/bin/timeout 0.2 "$@"\n', { mode: 0o755 });
  const { code, output } = await world.installAlone(given, `${world.join(".")}:/usr/sbin:/usr/bin:/sbin:/bin`);
  assert.equal(code, 78, output);
  assert.match(output, /wazuh-integratord did not end within 120 seconds/);
  const after = (await world.snapshot()).filter((line) => !line.includes("bin/wazuh-integratord"));
  assert.deepEqual(
    after,
    before.filter((line) => !line.includes("bin/wazuh-integratord")),
  );
});

test("a certificate that is named in a directory of wazuh's is not read through a link", { skip }, async () => {
  await using world = await InstallWorld.create();
  await world.tree.agree();
  await using wazuh = await HostileWazuh.in(world);
  wazuh.now('fs.symlinkSync(victims + "/secret.xml", home + "/etc/ca.pem");');
  const named = await world.install([...given, "--ca", join(wazuh.home, "etc/ca.pem")]);
  assert.equal(named.code, 69, named.output);
  assert.match(named.output, /ca\.pem cannot be read: .* is a symbolic link/);
  await wazuh.gainedNothing();
  // A link that root made is as good as the file.
  await writeFile(world.join("ca.pem"), "ca\n");
  await symlink("ca.pem", world.join("link.pem"));
  const linked = await world.install([...given, "--ca", world.join("link.pem")]);
  assert.equal(linked.code, 0, linked.output);
  assert.equal(await world.tree.read("etc/wazuh-dfn/ca.pem"), "ca\n");
});

/** What the attacker does while root works; each on its own, as fast as possible. */
const loops = [
  `fs.renameSync(home + "/etc/rules", home + "/etc/aside"); fs.symlinkSync(victims, home + "/etc/rules");
   for (let i = 0; i < 20000; i++); fs.unlinkSync(home + "/etc/rules"); fs.renameSync(home + "/etc/aside", home + "/etc/rules"); for (let i = 0; i < 200000; i++);`,
  `fs.symlinkSync(victims + "/secret.xml", home + "/etc/mine"); ${confAside} fs.renameSync(home + "/etc/mine", home + "/etc/ossec.conf");
   for (let i = 0; i < 20000; i++); ${confBack} for (let i = 0; i < 400000; i++);`,
  `for (const at of ["/etc/", "/etc/rules/"]) for (const name of fs.readdirSync(home + at)) if (name.startsWith(".wazuh-dfn")) {
     fs.unlinkSync(home + at + name); fs.symlinkSync(victims + "/profile.sh", home + at + name); }`,
];
for (const [index, statements] of loops.entries()) {
  const what = ["etc/rules", "ossec.conf", "the installer's own new files"][index];
  test(
    `${what} swapped for links again and again, while root installs and uninstalls: root's files stay`,
    { skip },
    async () => {
      await using world = await InstallWorld.create();
      await world.tree.agree();
      const before = await world.snapshot();
      await world.keep();
      await using wazuh = await HostileWazuh.in(world);
      const ends = new Set<string>();
      for (let run = 0; run < 3; run++) {
        await world.restore();
        await wazuh.loop(statements);
        const first = await world.install(given);
        const second = await world.uninstall(["--purge"]);
        await wazuh.stop();
        for (const { code, output } of [first, second]) {
          ends.add(String(code));
          if (code !== 0)
            assert.match(
              output,
              /symbolic link|by somebody|not a regular file|there is no|is being written to|left as it is/,
            );
        }
        await wazuh.gainedNothing();
      }
      // Without the attacker everything is right again.
      await world.restore();
      assert.equal((await world.install(given)).code, 0);
      assert.equal((await world.uninstall(["--purge"])).code, 0);
      assert.deepEqual(await world.snapshot(), before);
    },
  );
}
