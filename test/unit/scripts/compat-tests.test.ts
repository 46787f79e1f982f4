import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compatFiles, leftOut } from "../../../scripts/compat-tests.ts";
import { kafkaVersion, kafkaVersions, kafkaVersionVariable, newestKafka } from "../../../scripts/kafka/versions.ts";
import { repositoryRoot } from "../../../scripts/repository.ts";

test("what npm run compat leaves out exists by that title, for a version that it runs, with a reason", () => {
  const files = compatFiles();
  for (const { file, title, versions, why } of leftOut) {
    assert.ok(files.includes(file), file);
    assert.ok(readFileSync(join(repositoryRoot, "test", file), "utf8").includes(title), `${title} in ${file}`);
    assert.ok(
      versions.every((start) => kafkaVersions.some((version) => version.startsWith(start))),
      title,
    );
    assert.ok(why.length > 20, title);
  }
});

test("every test file of npm run compat exists, and the sink's own is among them", () => {
  const files = compatFiles();
  for (const file of files) readFileSync(join(repositoryRoot, "test", file));
  assert.ok(files.includes("integration/kafka-sink.test.ts"));
});

test("the tests run the newest Kafka unless a version of the list is named; another one is refused", () => {
  const named = process.env[kafkaVersionVariable];
  try {
    delete process.env[kafkaVersionVariable];
    assert.equal(kafkaVersion(), newestKafka);
    process.env[kafkaVersionVariable] = "2.8.2";
    assert.equal(kafkaVersion(), "2.8.2");
    process.env[kafkaVersionVariable] = "../../etc";
    assert.throws(() => kafkaVersion(), /no Kafka .* 2\.8\.2/);
  } finally {
    if (named === undefined) delete process.env[kafkaVersionVariable];
    else process.env[kafkaVersionVariable] = named;
  }
});
