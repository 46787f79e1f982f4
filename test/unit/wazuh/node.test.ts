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

test("a node of a cluster has the name from its ossec.conf", () => {
  const cluster = "<cluster><name>wazuh</name><node_name> worker-1 </node_name><node_type>worker</node_type></cluster>";
  assert.deepEqual(identity(cluster), { name: "worker-1", fallbackName: undefined });
});

test("a hidden node takes its name from ossec.conf alone", () => {
  const cluster = "<cluster><node_name>worker-1</node_name><hidden>yes</hidden><disabled>no</disabled></cluster>";
  assert.deepEqual(identity(cluster), { name: "worker-1", fallbackName: "worker-1" });
});

test("a cluster that is absent, off or without a node's name gives no name: many managers have the template's node01", () => {
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

test("if ossec.conf is absent or broken, the name comes from the alerts", async () => {
  await using directory = await TempDir.create();
  assert.deepEqual(readNodeIdentity(directory.path), noCluster);
  mkdirSync(directory.join("etc"));
  writeFileSync(directory.join("etc/ossec.conf"), "<ossec_config><cluster><node_name>worker-1</node_name>");
  assert.deepEqual(readNodeIdentity(directory.path), noCluster);
});
