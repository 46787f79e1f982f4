import assert from "node:assert/strict";
import { test } from "node:test";
import { wazuhDfn } from "./cli.ts";

test("without a command the list of commands is printed to standard error, with the code for a wrong call", async () => {
  const { code, stdout, stderr } = await wazuhDfn([]);
  assert.equal(code, 64);
  assert.equal(stdout, "");
  assert.match(stderr, /^Usage: wazuh-dfn COMMAND/m);
});

test("help goes to standard output, for the whole and for each listed command", async () => {
  const { code, stdout, stderr } = await wazuhDfn(["--help"]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.deepEqual((await wazuhDfn(["help"])).stdout, stdout);
  const names = [...stdout.matchAll(/^ {2}(\w[\w-]*) {2}/gm)].map(([, name]) => name ?? "");
  assert.ok(names.includes("check") && names.includes("config") && names.includes("version"), stdout);
  for (const name of names) {
    const help = await wazuhDfn([name, "--help"]);
    assert.deepEqual([help.code, help.stderr], [0, ""], name);
    assert.match(help.stdout, new RegExp(`^Usage: wazuh-dfn ${name}`, "m"));
    assert.deepEqual(await wazuhDfn(["help", name]), help);
  }
});

test("an unknown command or option ends with 64 and names the nearest one", async () => {
  const command = await wazuhDfn(["chekc"]);
  assert.deepEqual([command.code, command.stdout], [64, ""]);
  assert.equal(command.stderr, 'wazuh-dfn: there is no command "chekc"; did you mean check?\n');
  const option = await wazuhDfn(["version", "--jsno"]);
  assert.deepEqual([option.code, option.stdout], [64, ""]);
  assert.match(option.stderr, /^wazuh-dfn: version: there is no option --jsno; did you mean --json\?/);
  assert.equal((await wazuhDfn(["constructor"])).code, 64);
});

test("version prints itself, Node and the platform", async () => {
  const { code, stdout } = await wazuhDfn(["version"]);
  assert.equal(code, 0);
  assert.match(stdout, /^wazuh-dfn \S+, Node \d+\.\d+\.\d+, linux-\w+\n$/);
  assert.equal((await wazuhDfn(["--version"])).stdout, stdout);
  const facts: unknown = JSON.parse((await wazuhDfn(["version", "--json"])).stdout);
  assert.ok(typeof facts === "object" && facts !== null && "node" in facts);
  assert.equal(facts.node, process.versions.node);
});
