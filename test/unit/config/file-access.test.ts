import assert from "node:assert/strict";
import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Accounts, readAccess, secretAccess } from "../../../daemon/config/file-access.ts";
import { TempDir } from "../../rig/temp-dir.ts";

let directory: TempDir;
let file: string;
const own = process.getuid?.() ?? 0;
const someGroup = 4242;

before(async () => {
  directory = await TempDir.create();
  file = directory.join("key.pem");
  await writeFile(file, "secret");
});
after(() => directory[Symbol.asyncDispose]());

/** A machine with the installation's user; the caller is root unless stated otherwise. */
async function accounts(etc: { passwd: string; group: string }, asker = { uid: 0, gids: [0] }): Promise<Accounts> {
  const path = directory.join("etc");
  await mkdir(path, { recursive: true });
  await writeFile(join(path, "passwd"), etc.passwd);
  await writeFile(join(path, "group"), etc.group);
  return new Accounts(path, asker);
}

const passwd = `root:x:0:0::/:\nwazuh:x:990:990::/:\nwazuh-dfn:x:991:990::/:\nalice:x:${own === 0 ? 1000 : own}:100::/:\n`;
const group = `root:x:0:\nwazuh:x:990:shipper,wazuh-dfn\nusers:x:100:\n`;
const messages = (problems: readonly { message: string }[]): string =>
  problems.map(({ message }) => message).join("\n");

test("a caller other than root checks access for itself", async () => {
  const { name, uid } = (await accounts({ passwd, group }, { uid: 990, gids: [990] })).forwarder() ?? {};
  assert.deepEqual([name, uid], ["wazuh", 990]);
  const installed = (await accounts({ passwd, group })).forwarder();
  assert.deepEqual([installed?.name, installed?.uid, installed?.gids], ["wazuh-dfn", 991, [990, 990]]);
  assert.equal((await accounts({ passwd: "root:x:0:0::/:\n", group })).forwarder(), undefined);
});

test("the members of a group are those named in it and those whose primary group it is", async () => {
  const known = await accounts({ passwd, group });
  assert.deepEqual(known.membersOf(990).toSorted(), ["shipper", "wazuh", "wazuh-dfn"]);
  assert.equal(known.groupName(990), "wazuh");
  assert.equal(known.groupName(77), "77");
});

test("a secret that its group may read is private to the forwarder only when nobody else is in the group", async (context) => {
  if (own !== 0) return context.diagnostic("only root may change a file's owner");
  const inGroup = (members: string): string => `g:x:${someGroup}:${members}\n`;
  await chown(file, 991, someGroup);
  await chmod(file, 0o440);
  const alone = await accounts({ passwd, group: inGroup("wazuh-dfn") });
  assert.equal(messages(secretAccess("s", file, alone)), "");
  const shared = await accounts({ passwd, group: inGroup("wazuh-dfn,shipper") });
  assert.equal(
    messages(secretAccess("s", file, shared)),
    `${file}: every member of group g may read this file, which is secret; fix it with: chown wazuh-dfn: ${file} && chmod 0400 ${file}`,
  );
  await chmod(file, 0o460);
  assert.match(messages(secretAccess("s", file, shared)), /group g may read .*\n.*group g may replace this file/);
  await chown(file, 0, 0);
  assert.equal(messages(secretAccess("s", file, shared)), "");
  await chown(file, 1000, 0);
  assert.match(messages(secretAccess("s", file, shared)), /user alice may read and replace this file/);
});

test("a file that the forwarder's user will not be able to read is named, with the directory that blocks it", async (context) => {
  if (own !== 0) return context.diagnostic("only root may ask on behalf of another user");
  const known = await accounts({ passwd, group });
  await chown(file, 0, 0);
  await chmod(file, 0o400);
  await chmod(directory.path, 0o755);
  assert.match(
    messages(readAccess("s", file, known)),
    /user wazuh-dfn may not read this file, because of its mode; fix it with: chown wazuh-dfn: /,
  );
  await chown(file, 991, 0);
  assert.equal(messages(readAccess("s", file, known)), "");
  await chmod(directory.path, 0o700);
  assert.match(messages(readAccess("s", file, known)), /because of the mode of \S+; move it to \/etc\/wazuh-dfn/);
  assert.deepEqual(readAccess("s", "/absent/file", known), []);
});
