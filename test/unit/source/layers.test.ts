import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "../../../scripts/repository.ts";
import { sourceFiles } from "./files.ts";

/**
 * The rooms of the source tree, from the ground up. A file imports from its own room and from those listed before it.
 */
const rooms = [
  "integration/fast-path",
  "integration",
  "daemon/errors.ts",
  "daemon/printable.ts",
  "daemon/clock.ts",
  "daemon/joined-signal.ts",
  "daemon/start",
  "daemon/telemetry",
  "daemon/page",
  "daemon/page/browser",
  "daemon/disk",
  "daemon/os",
  "daemon/net",
  "daemon/kernel",
  "daemon/kernel/assembly",
  "daemon/alert",
  "daemon/wazuh",
  "daemon/header-names.ts",
  "daemon/contract.ts",
  "daemon/records",
  "daemon/manifest",
  "daemon/proof",
  "daemon/config/values",
  "daemon/handlers",
  "daemon/dead-letters",
  "daemon/pairing",
  "daemon/delivery",
  "daemon/sources/socket",
  "daemon/sources/tail/log",
  "daemon/sources/tail/position",
  "daemon/sources/tail",
  "daemon/sources/replay",
  "daemon/sinks/kafka/protocol",
  "daemon/sinks/kafka/tls",
  "daemon/sinks/kafka/connection",
  "daemon/sinks/kafka/producer",
  "daemon/sinks/kafka",
  "daemon/sinks/file",
  "daemon/sinks",
  "daemon/config/text",
  "daemon/config/sections",
  "daemon/config",
  "daemon/sink-kinds",
  "daemon/migrate",
  "daemon/status",
  "daemon/supervision",
  "daemon/state",
  "daemon/explain",
  "daemon/verify",
  "daemon/forwarder",
  "daemon/audit",
  "daemon/doctor",
  "daemon/doctor/links",
  "daemon/commands",
  "daemon/commands/dead-letter",
  "daemon/commands/top",
  "daemon/commands/tap",
  "daemon/commands/verify",
  "daemon/commands/audit",
  "daemon/main.ts",
];

const imported = /(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)"/g;

function levelOf(path: string): number {
  return Math.max(rooms.indexOf(path), rooms.indexOf(dirname(path)));
}

test("every file is in a listed room and imports only from its own room and from those listed before it", () => {
  const upwards: string[] = [];
  let imports = 0;
  for (const path of [...sourceFiles("integration"), ...sourceFiles("daemon")]) {
    assert.ok(levelOf(path) >= 0, `${path} is not in a room of this list`);
    for (const [, specifier = ""] of readFileSync(join(repositoryRoot, path), "utf8").matchAll(imported)) {
      const target = normalize(join(dirname(path), specifier));
      imports += 1;
      if (levelOf(target) > levelOf(path) || levelOf(target) < 0) upwards.push(`${path} imports ${target}`);
    }
  }
  assert.ok(imports > 1000, `${imports} imports were found`);
  assert.deepEqual(upwards, []);
});
