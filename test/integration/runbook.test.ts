/** The commands of docs/runbook.md that are ours, run by a shell as they are there, next to a forwarder with dead letters. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { repositoryRoot } from "../../scripts/repository.ts";
import { eventually } from "../rig/eventually.ts";
import { forwarderBundle } from "../rig/forwarder-bundle.ts";
import { alertLine, StatusWorld } from "./status-world.ts";

const run = promisify(execFile);

/** Lines of the blocks that begin with this program, each once; what removes something last. */
function commandsOf(program: string): string[] {
  const text = readFileSync(join(repositoryRoot, "docs/runbook.md"), "utf8");
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = ""]) => block);
  // In the text too: what is to be done.
  const inline = [...text.matchAll(/`(wazuh-dfn (?:dead-letter|config|status)[^`]+)`/g)].map(
    ([, command = ""]) => command,
  );
  const lines = [...blocks.flatMap((block) => block.split("\n")), ...inline];
  const found = lines.filter((line) => line.startsWith(`${program} `) && !line.includes("wazuh-dfn replay ..."));
  const removes = / (?:replay|ack|purge) /;
  return [...new Set(found)].toSorted((a, b) => Number(removes.test(a)) - Number(removes.test(b)));
}

test("every wazuh-dfn command of the run book is one that this version takes", async () => {
  await using world = await StatusWorld.create();
  await world.start();
  world.writeLog(`${alertLine(1_700_000_002).slice(0, -1)},}`);
  await eventually("the dead letter", async () => {
    const { code } = await world.run("status");
    return code === 1;
  });
  const { stdout } = await world.run("dead-letter", "list", "--json");
  const id = /"id": ?"([^"]+)"/.exec(stdout)?.[1];
  assert.ok(id !== undefined, stdout);
  const bin = world.directory.join("bin");
  const calls = world.directory.join("calls");
  mkdirSync(bin);
  const script = `#!/bin/sh\n"${process.execPath}" "${forwarderBundle}" "$@" --config "${world.config}"\ncode=$?\necho "$code $*" >>"${calls}"\nexit $code\n`;
  writeFileSync(join(bin, "wazuh-dfn"), script, { mode: 0o755 });
  const commands = commandsOf("wazuh-dfn").map((line) => line.replace(/\bID\b(\.\.\.)?/, id));
  assert.ok(commands.length > 12, commands.join("\n"));
  const env = { PATH: `${bin}:${process.env["PATH"] ?? ""}` };
  for (const command of commands) await run("/bin/sh", ["-c", command], { env }).catch(() => undefined);
  const made = readFileSync(calls, "utf8").trimEnd().split("\n");
  assert.equal(made.length, commands.length);
  const usage = 64;
  assert.deepEqual(
    made.filter((call) => Number(call.split(" ")[0]) === usage),
    [],
  );
});

test("the run book's way to the metrics names the reasons of this moment", async () => {
  await using world = await StatusWorld.create();
  await world.start();
  const [command = ""] = commandsOf("curl");
  const here = command.replace("/run/wazuh-dfn/status.sock", world.statusSocket);
  world.writeLog(`${alertLine(1_700_000_002).slice(0, -1)},}`);
  await eventually("the reason", async () => {
    const { stdout } = await run("/bin/sh", ["-c", here]).catch(() => ({ stdout: "" }));
    return stdout === 'wazuh_dfn_health_reason{code="dead-letters-open"} 1\n';
  });
});
