import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "../../../scripts/repository.ts";
import { manifestSchemaText, settingsPage } from "../../../scripts/settings-page.ts";

test("docs/settings.md is what the schema says; else run: npm run settings", async () => {
  assert.equal(readFileSync(join(repositoryRoot, "docs/settings.md"), "utf8"), await settingsPage());
});

test("docs/manifest.schema.json is what the schema of manifests says; else run: npm run settings", async () => {
  assert.equal(readFileSync(join(repositoryRoot, "docs/manifest.schema.json"), "utf8"), await manifestSchemaText());
});
