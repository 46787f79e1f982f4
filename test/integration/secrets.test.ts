import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { readSaslSecrets } from "../../daemon/config/secrets.ts";
import { TempDir } from "../rig/temp-dir.ts";

test("the password is the one that its file has now; while the file is missing, the one that it had", async () => {
  await using directory = await TempDir.create();
  const path = directory.join("password");
  writeFileSync(path, "first\n", { mode: 0o600 });
  const from = { kind: "file", path } as const;
  const { password } = readSaslSecrets({ mechanism: "plain", username: "u", password: from }, {});
  assert.equal(password(), "first");
  writeFileSync(path, "second\n");
  assert.equal(password(), "second");
  rmSync(path);
  assert.equal(password(), "second");
});
