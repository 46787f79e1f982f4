/** What is ours in ossec.conf outside of our marks, or was there before us: it is seen, reported, left or removed. */
import assert from "node:assert/strict";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { InstallWorld, skip } from "../rig/install-world.ts";
import { wazuhId } from "../rig/wazuh/installable-manager.ts";

const given = ["--broker", "kafka.example.org:9093", "--customer-id", "abc-1"];
const script = "var/ossec/integrations/custom-dfn";

/** A world in which the manager checks nothing, because that takes time. */
async function quickWorld(): Promise<InstallWorld> {
  const world = await InstallWorld.create();
  await world.tree.agree();
  return world;
}

const conf = (world: InstallWorld): Promise<string> => readFile(world.tree.conf, "latin1");

/** What tools that reformat a configuration do to it. */
const formatters: Readonly<Record<string, (text: string) => string>> = {
  "removes all comments": (text) => text.replaceAll(/<!--[^]*?-->\n?/g, ""),
  "re-indents and removes all comments": (text) => text.replaceAll(/<!--[^]*?-->\n?/g, "").replaceAll(/^ */gm, "\t\t"),
  "puts values on lines of their own": (text) =>
    text.replaceAll(/<!--[^]*?-->\n?/g, "").replaceAll(/>([^<\n]+)</g, ">\n      $1\n    <"),
  "joins the two roots": (text) =>
    text.replaceAll(/<!--[^]*?-->\n?/g, "").replaceAll(/<\/ossec_config>\s*<ossec_config>/g, ""),
};
for (const [what, format] of Object.entries(formatters)) {
  test(
    `a formatter ${what}: a second install adds no second block, uninstall removes ours and says so`,
    { skip },
    async () => {
      await using world = await quickWorld();
      const before = await conf(world);
      await world.install(given);
      await writeFile(world.tree.conf, format(await conf(world)), "latin1");
      const formatted = await conf(world);
      const again = await world.install([]);
      assert.equal(again.code, 0, again.output);
      assert.match(again.output, /lost wazuh-dfn's marks: it is kept, and no other is added/);
      assert.equal(await conf(world), formatted);
      const last = await world.uninstall([]);
      assert.equal(last.code, 0, last.output);
      assert.match(last.output, /take lines \d+ to \d+ \(<integration>\), which are outside of that block/);
      const blank = /^\s*\n/gm;
      assert.equal((await conf(world)).replaceAll(blank, ""), format(before).replaceAll(blank, ""));
    },
  );
}

test(
  "marks that a formatter moved onto a line with other text: uninstall removes the block and nothing else",
  { skip },
  async () => {
    await using world = await quickWorld();
    await world.install(given);
    await writeFile(world.tree.conf, (await conf(world)).replaceAll("\n", ""), "latin1");
    const last = await world.uninstall([]);
    assert.equal(last.code, 0, last.output);
    const left = await conf(world);
    assert.match(left, /<jsonout_output>.*<location>\/var\/log\/auth\.log<\/location>/);
    assert.doesNotMatch(left, /dfn/);
  },
);

const byHand = `<ossec_config>
  <integration>
    <name>custom-dfn</name>
    <level>7</level>
    <alert_format>json</alert_format>
  </integration>
</ossec_config>
`;

test(
  "a block that was written by hand keeps uninstall from changing anything, until it is to be removed too",
  { skip },
  async () => {
    await using world = await quickWorld();
    const before = await conf(world);
    await writeFile(world.tree.conf, before + byHand, "latin1");
    await world.install(given);
    const installed = await world.snapshot();
    for (const args of [[], ["--dry-run"]]) {
      const refused = await world.uninstall(args);
      assert.equal(refused.code, 78, refused.output);
      assert.match(
        refused.output,
        /lines 31 to 35: this <integration> passes alerts to custom-dfn[^]*<level>7<[^]*--remove-blocks/,
      );
      assert.deepEqual(await world.snapshot(), installed);
    }
    const done = await world.uninstall(["--remove-blocks"]);
    assert.equal(done.code, 0, done.output);
    assert.equal(await conf(world), before);
    assert.ok(!(await world.snapshot()).some((line) => line.startsWith(script)));
  },
);

for (const [what, text, mode] of [
  ["another script", "#!/bin/sh\nexit 0\n", 0o750],
  ["a script that is equal to ours", "#!/bin/sh\n# 1.0.0\nexit 0\n", 0o750],
  ["a script that is equal to ours, with another mode", "#!/bin/sh\n# 1.0.0\nexit 0\n", 0o755],
] as const) {
  test(
    `${what} was there before: it is there again after uninstall, with the block that calls it`,
    { skip },
    async () => {
      await using world = await quickWorld();
      await world.tree.write(script, text, mode, 0, wazuhId);
      await writeFile(world.tree.conf, (await conf(world)) + byHand, "latin1");
      const before = await world.snapshot();
      await world.install(given);
      await world.use("2.0.0");
      await world.install([]);
      assert.match(await world.tree.read(script), /2\.0\.0/);
      const last = await world.uninstall(["--purge"]);
      assert.equal(last.code, 0, last.output);
      assert.deepEqual(await world.snapshot(), before);
    },
  );
}

test(
  "a snippet that was copied by hand before the installation stays for as long as its script does",
  { skip },
  async () => {
    await using world = await quickWorld();
    const snippet = await readFile("ossec-snippets/integration.xml", "utf8");
    const watch = await readFile("ossec-snippets/unit-watch.xml", "utf8");
    await writeFile(world.tree.conf, (await conf(world)) + snippet + watch, "latin1");
    const without = (await conf(world)).replace(snippet.slice(snippet.indexOf("\n") + 1), "");
    await world.install(given);
    assert.equal((await conf(world)).split("<name>custom-dfn").length, 2);
    assert.equal((await conf(world)).split("<alias>wazuh-dfn").length, 2);
    const last = await world.uninstall([]);
    assert.equal(last.code, 0, last.output);
    assert.equal(await conf(world), without, "the script has gone, so its block has");
  },
);

test("a script that was restored by --no-integration and removed since does not come back", { skip }, async () => {
  await using world = await quickWorld();
  await world.tree.write(script, "#!/bin/sh\nexit 3\n", 0o750, 0, wazuhId);
  await world.install(given);
  await world.install(["--no-integration"]);
  assert.match(await world.tree.read(script), /exit 3/);
  await chmod(world.tree.join(script), 0o700);
  await world.install(["--integration"]);
  await world.uninstall(["--purge"]);
  assert.ok((await world.snapshot()).some((line) => line.startsWith(`${script} 100700 0:${wazuhId} `)));
});

test("other sections that name wazuh-dfn are named, and stay", { skip }, async () => {
  await using world = await quickWorld();
  await world.install(given);
  const mine = "<ossec_config>\n<syscheck>\n<ignore>/opt/wazuh-dfn</ignore>\n</syscheck>\n</ossec_config>\n";
  await writeFile(world.tree.conf, (await conf(world)) + mine, "latin1");
  const last = await world.uninstall([]);
  assert.equal(last.code, 0, last.output);
  assert.match(last.output, /lines \d+ to \d+: this <syscheck> names wazuh-dfn and is kept/);
  assert.ok((await conf(world)).endsWith(mine));
});

for (const [what, text, message] of [
  [
    "an XML declaration",
    '<?xml version="1.0"?>\n<ossec_config>\n</ossec_config>\n',
    /ossec\.conf: line 1: .* version; Wazuh does not take it/,
  ],
  ["a section that is never closed", "<ossec_config>\n<global>\n</ossec_config>\n", /ossec\.conf: line 3: /],
] as const) {
  test(
    `an ossec.conf with ${what} is refused, as Wazuh refuses it; uninstall still removes its block`,
    { skip },
    async () => {
      await using world = await quickWorld();
      const good = await conf(world);
      await writeFile(world.tree.conf, text, "latin1");
      const refused = await world.install(given);
      assert.equal(refused.code, 78, refused.output);
      assert.match(refused.output, message);
      await writeFile(world.tree.conf, good, "latin1");
      await world.install(given);
      await writeFile(world.tree.conf, text + (await conf(world)), "latin1");
      const last = await world.uninstall([]);
      assert.equal(last.code, 0, last.output);
      assert.equal(await conf(world), text + good);
    },
  );
}

test("text after the last root is fine, as it is for Wazuh", { skip }, async () => {
  await using world = await quickWorld();
  const text = "<ossec_config>\n</ossec_config>\nnotes of an administrator\n";
  await writeFile(world.tree.conf, text, "latin1");
  assert.equal((await world.install(given)).code, 0);
  assert.equal((await world.uninstall([])).code, 0);
  assert.equal(await conf(world), text);
});
