import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { integrationState } from "../../daemon/doctor/context.ts";
import { TempDir } from "../rig/temp-dir.ts";

test("the installer's choice is known from its record of this manager; without a record, from whether custom-dfn is there", async () => {
  await using dir = await TempDir.create();
  const home = dir.join("ossec");
  const config = dir.join("etc/config.yaml");
  mkdirSync(dir.join("etc/install"), { recursive: true });
  mkdirSync(dir.join("ossec/integrations"), { recursive: true });
  assert.deepEqual(await integrationState(home, config), { recorded: undefined, hasProgram: false });
  const record = dir.join("etc/install/record");
  writeFileSync(record, `version 1.0.0\nhome ${home}\nintegration no\ncustom_dfn -\n`);
  assert.deepEqual(await integrationState(home, config), { recorded: "no", hasProgram: false });
  assert.equal((await integrationState("/elsewhere", config)).recorded, undefined, "another manager's record");
  writeFileSync(record, `version 1.0.0\nhome ${home}\nintegration yes\n`);
  writeFileSync(dir.join("ossec/integrations/custom-dfn"), "#!/bin/sh\n");
  assert.deepEqual(await integrationState(home, config), { recorded: "yes", hasProgram: true });
});
