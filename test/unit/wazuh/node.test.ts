import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { test } from "node:test";
import { nodeIdentityOf, type NodeIdentity, readNodeIdentity } from "../../../daemon/wazuh/node.ts";
import { readOssecConf } from "../../../daemon/wazuh/ossec-conf.ts";
import { TempDir } from "../../rig/temp-dir.ts";

const noCluster: NodeIdentity = { name: hostname(), fallbackName: undefined };

function identity(cluster: string): NodeIdentity {
  return nodeIdentityOf(readOssecConf(`<ossec_config><global/>${cluster}</ossec_config>`));
}

test("a node of a cluster is called as its ossec.conf says", () => {
  const cluster = "<cluster><name>wazuh</name><node_name> worker-1 </node_name><node_type>worker</node_type></cluster>";
  assert.deepEqual(identity(cluster), { name: "worker-1", fallbackName: undefined });
});

test("a hidden node has its name from ossec.conf alone", () => {
  const cluster = "<cluster><node_name>worker-1</node_name><hidden>yes</hidden><disabled>no</disabled></cluster>";
  assert.deepEqual(identity(cluster), { name: "worker-1", fallbackName: "worker-1" });
});

test("a cluster that is absent, off or without a node's name names nothing: many managers carry the template's node01", () => {
  const node = "<node_name>node01</node_name><hidden>yes</hidden>";
  const commentedOut = `<!-- <cluster>${node}</cluster> -->`;
  for (const cluster of [
    "",
    commentedOut,
    `<cluster>${node}<disabled>yes</disabled></cluster>`,
    "<cluster></cluster>",
  ]) {
    assert.deepEqual(identity(cluster), noCluster, cluster);
  }
});

test("an ossec.conf that is absent or broken leaves it to the alerts", async () => {
  await using directory = await TempDir.create();
  assert.deepEqual(readNodeIdentity(directory.path), noCluster);
  mkdirSync(directory.join("etc"));
  writeFileSync(directory.join("etc/ossec.conf"), "<ossec_config><cluster><node_name>worker-1</node_name>");
  assert.deepEqual(readNodeIdentity(directory.path), noCluster);
});
