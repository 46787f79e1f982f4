import assert from "node:assert/strict";
import { test } from "node:test";
import { type Account, may, type Right } from "../../../daemon/doctor/accounts.ts";
import { Alert } from "../../../daemon/alert/alert.ts";
import { passthroughHandler } from "../../../daemon/handlers/passthrough.ts";
import { makeTestAlert } from "../../../daemon/doctor/test-alert.ts";

const wazuh: Account = { name: "wazuh", uid: 990, gids: [990] };

test("rights are decided by the first class that fits: owner, then group, then others", () => {
  const cases: [string, Account, { uid: number; gid: number; mode: number }, Right, boolean][] = [
    ["the group may", wazuh, { uid: 0, gid: 990, mode: 0o750 }, "execute", true],
    ["the group may not write", wazuh, { uid: 0, gid: 990, mode: 0o750 }, "write", false],
    ["others may not", wazuh, { uid: 0, gid: 0, mode: 0o750 }, "read", false],
    ["others may", wazuh, { uid: 0, gid: 0, mode: 0o755 }, "execute", true],
    [
      "the owner's bits decide, even if the group's allow more",
      wazuh,
      { uid: 990, gid: 990, mode: 0o070 },
      "read",
      false,
    ],
    ["a further group", { ...wazuh, gids: [5, 990] }, { uid: 0, gid: 990, mode: 0o640 }, "read", true],
    ["root reads all", { name: "root", uid: 0, gids: [0] }, { uid: 1, gid: 1, mode: 0 }, "read", true],
    [
      "root runs only what somebody may",
      { name: "root", uid: 0, gids: [0] },
      { uid: 1, gid: 1, mode: 0o644 },
      "execute",
      false,
    ],
  ];
  for (const [title, account, file, right, expected] of cases) assert.equal(may(account, file, right), expected, title);
});

test("the test alert is one line, has an id, and is never forwarded", () => {
  const { id, line } = makeTestAlert();
  assert.equal(line.indexOf("\n"), line.length - 1);
  const alert = Alert.parse(line.subarray(0, -1));
  assert.equal(alert.id, id);
  assert.equal(alert.isOwn, true);
  // A handler that wants everything would take it, so only that mark holds it back.
  assert.ok(passthroughHandler({ topic: "t" }).record(alert));
});
