/** docs/cluster.md and scripts/ansible: the roll-out over the nodes of a cluster, followed exactly on fake nodes. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { howToInstall, installPrograms } from "../../scripts/kafka/programs.ts";
import { makePackage } from "../rig/install-package.ts";
import { skip } from "../rig/install-world.ts";
import { blocksOf } from "../rig/page.ts";
import { SmallDisk } from "../rig/small-disk.ts";
import { InstallableManager } from "../rig/wazuh/installable-manager.ts";

const run = promisify(execFile);

const nodes = [
  { name: "master-0.example.org", type: "master" },
  { name: "worker-1.example.org", type: "worker" },
  { name: "worker-2.example.org", type: "worker" },
];
const tarball = "wazuh-dfn-1.0.0-linux-x64";
/** What the fake certificates and keys contain: nothing else looks like it. */
const contentOf = (name: string): string => `${name}: for the eyes of the forwarder\n`;

/** Managers of one cluster below one directory, and next to them the package and the certificates. */
class Nodes implements AsyncDisposable {
  readonly #disk: SmallDisk;
  readonly trees: readonly InstallableManager[];

  private constructor(disk: SmallDisk, trees: readonly InstallableManager[]) {
    this.#disk = disk;
    this.trees = trees;
  }

  static async create(): Promise<Nodes> {
    const disk = await SmallDisk.mount(32 * 1024 * 1024);
    await makePackage(disk.join(tarball));
    await writeFile(disk.join(tarball, "install"), '#!/bin/sh\nexec "${0%/*}/usr/lib/wazuh-dfn/install" "$@"\n');
    await chmod(disk.join(tarball, "install"), 0o755);
    await run("tar", ["-czf", `${tarball}.tar.gz`, tarball], { cwd: disk.path });
    for (const name of ["ca", "cert", "key"]) await writeFile(disk.join(`${name}.pem`), contentOf(name));
    const trees: InstallableManager[] = [];
    for (const { name, type } of nodes) {
      const tree = await InstallableManager.at(disk.join(name, "root"));
      const conf = (await tree.read("var/ossec/etc/ossec.conf"))
        .replace(/<node_name>.*<\/node_name>/, `<node_name>${name}</node_name>`)
        .replace(/<node_type>(?:master|worker)<\/node_type>\n/, `<node_type>${type}</node_type>\n`)
        .replace("<disabled>yes", "<disabled>no");
      await writeFile(tree.conf, conf);
      trees.push(tree);
    }
    return new Nodes(disk, trees);
  }

  get path(): string {
    return this.#disk.path;
  }

  join(...parts: string[]): string {
    return this.#disk.join(...parts);
  }

  /** What must be true of each node after a roll-out; the rules are on the master alone. */
  async check(): Promise<void> {
    for (const [index, tree] of this.trees.entries()) {
      const isMaster = nodes[index]?.type === "master";
      const config = await tree.read("etc/wazuh-dfn/config.yaml");
      assert.match(config, /customer_id: "12345678-abcd-4321-9876-0123456789ab"/);
      assert.match(config, /brokers: \["kafka\.example\.org:443"\]/);
      assert.match(config, /own_network: \["192\.0\.2\.0\/24"\]/);
      for (const name of ["ca", "cert", "key"])
        assert.equal(await tree.read(`etc/wazuh-dfn/${name}.pem`), contentOf(name));
      assert.match(await tree.read("var/ossec/etc/ossec.conf"), /<name>custom-dfn<\/name>/);
      assert.equal(existsSync(tree.join("var/ossec/integrations/custom-dfn")), true);
      for (const name of ["rules/dfn_rules.xml", "rules/dfn_event_rules.xml", "decoders/zz_dfn_decoders.xml"])
        assert.equal(existsSync(tree.join("var/ossec/etc", name)), isMaster, name);
      assert.equal(await tree.restarts(), 1);
      assert.equal(await tree.complaints(), "");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const tree of this.trees) await tree[Symbol.asyncDispose]();
    await this.#disk[Symbol.asyncDispose]();
  }
}

/** ssh and scp to nodes that are directories here; whoever installs there means that node's own root. */
async function makeStandIns(world: Nodes): Promise<string> {
  await mkdir(world.join("bin"));
  const programs = {
    ssh: `host=\${1#root@}; shift; cd ${world.join("$host")} && sh -c "$(printf '%s\\n' "$*" | sed "s:/install :&--root $PWD/root :")"`,
    scp: `for last; do :; done; host=\${last#root@}; cp $(printf '%s\\n' "$@" | grep -v -e ^-q -e @) ${world.join("${host%:}/")}`,
  };
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(world.join("bin", name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  return `${world.join("bin")}:${process.env["PATH"] ?? ""}`;
}

test(
  "by plain ssh, as the page says: every node is installed, and only the master gets the rules",
  { skip },
  async () => {
    await using world = await Nodes.create();
    const env = { PATH: await makeStandIns(world) };
    const commands = blocksOf("docs/cluster.md", { section: "Roll-out by ssh" }).join("");
    const { stdout, stderr } = await run("sh", ["-euc", commands], { cwd: world.path, env });
    assert.doesNotMatch(stderr, /failed/, stdout);
    await world.check();
    for (const { name } of nodes)
      assert.equal(existsSync(world.join(name, "key.pem")), false, "the key was left behind");
  },
);

test(
  "by Ansible: every node is installed, a second run changes nothing, and no run shows a key",
  { skip },
  async () => {
    const missing = installPrograms(["ansible-playbook"]);
    if (missing.length > 0) throw new Error(howToInstall(missing));
    await using world = await Nodes.create();
    const example = await readFile(resolve("scripts/ansible/inventory.example.yaml"), "utf8");
    const here = ["ansible_connection: local", "ansible_python_interpreter: auto_silent"];
    const places = ["staging", "root"].map(
      (name) => `wazuh_dfn_${name}: "${world.join("{{ inventory_hostname }}", name)}"`,
    );
    const inventory = example
      .replace(/^( +)ansible_user: root\n/m, (_, indent: string) =>
        [...here, ...places].map((line) => `${indent}${line}\n`).join(""),
      )
      .replaceAll(/(wazuh_dfn_(?:package|ca|cert|key)): /g, `$1: ${world.path}/`);
    await writeFile(world.join("inventory.yaml"), inventory);
    const play = async (...args: string[]): Promise<string> => {
      const env = { PATH: process.env["PATH"] ?? "", HOME: world.path, LC_ALL: "C.UTF-8", ANSIBLE_NOCOLOR: "1" };
      const all = ["-i", world.join("inventory.yaml"), ...args, "wazuh-dfn.yaml"];
      const options = { cwd: resolve("scripts/ansible"), env };
      const { stdout } = await run("ansible-playbook", all, options).catch((reason: { stdout: string }) => {
        throw new Error(`ansible-playbook failed:\n${reason.stdout}`, { cause: reason });
      });
      return stdout;
    };
    await play("--syntax-check");
    // The most verbose output.
    const first = await play("--diff", "-vvv");
    await world.check();
    const again = await play("--diff");
    for (const output of [first, again]) assert.doesNotMatch(output, /for the eyes of the forwarder/);
    for (const { name } of nodes) {
      assert.match(again, new RegExp(`^${name} +: ok=\\d+ +changed=0 +unreachable=0 +failed=0`, "m"), again);
      assert.equal(existsSync(world.join(name, "staging/key.pem")), false, "the key was left behind");
    }
    await world.check();
  },
);
