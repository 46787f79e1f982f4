/** Which files of the log `explain` opens, as the system saw it. */
import assert from "node:assert/strict";
import { basename } from "node:path";
import { test } from "node:test";
import { howToInstall, installPrograms } from "../../scripts/kafka/programs.ts";
import { readFileUses, straceArguments } from "../rig/access/file-uses.ts";
import { forwarderBundle } from "../rig/forwarder-bundle.ts";
import { Program } from "../rig/program.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { ban, day, ExplainWorld } from "./explain-world.ts";

/** Archives of all days from the 1st to the 29th, alerts.json among them: plain from the 28th on, as monitord leaves them. */
function monthOf(world: ExplainWorld): void {
  for (let date = 1; date <= 29; date++) {
    const name = `${String(date).padStart(2, "0")}.json${date < 28 ? ".gz" : ""}`;
    const archive = world.archive(name, ban(`${day + (date - 21) * 86_400}.1`));
    if (date === 29) world.makeLive(archive);
  }
  // Cut by size during the day.
  world.archive("21-001.json.gz", ban(`${day}.2`));
}

/** The days of the files that a search opens, and the exit code. */
async function daysRead(world: ExplainWorld, ...args: readonly string[]): Promise<{ days: string[]; code: unknown }> {
  await using logs = await TempDir.create();
  const command = [process.execPath, forwarderBundle, "explain", "--config", world.directory.join("config.yaml")];
  await using program = new Program("strace", [...straceArguments(logs.join("strace")), ...command, ...args]);
  const code = await program.end();
  const read = readFileUses(logs.join("strace")).filter(
    ({ path, action, kind }) => action === "read" && kind === "file" && path.startsWith(world.alerts),
  );
  const days = read.map(({ path }) => /^ossec-alerts-(.*)\.json(?:\.gz)?$/.exec(basename(path))?.[1] ?? basename(path));
  return { days: days.toSorted(), code };
}

test("of a month, only the files of an alert's day, of the days next to it, and alerts.json are opened", async () => {
  const missing = installPrograms(["strace"]);
  assert.deepEqual(missing, [], howToInstall(missing));
  await using world = await ExplainWorld.create();
  monthOf(world);
  assert.deepEqual(await daysRead(world, `${day}.2`), { days: ["20", "21", "21-001", "22", "29"], code: 1 });
  // Those of seven days around only because it is not there.
  const around = Array.from({ length: 15 }, (_, at) => String(at + 14));
  const none = await daysRead(world, `${day}.9`);
  assert.deepEqual(none, { days: [...around, "21-001", "29"].toSorted(), code: 66 });
  const named = await daysRead(world, "--from", "2026-11-03", "--to", "2026-11-03", `${day}.2`);
  assert.deepEqual(named, { days: ["02", "03", "04", "29"], code: 66 });
});
