import { randomBytes } from "node:crypto";
import { appendFileSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { inTime, type Fault } from "../fault.ts";
import type { Stage } from "../stage.ts";
import { statusSays, withoutLoad } from "./support.ts";

/** What stands behind an archive: a padding to the sectors of a tape, or to blocks that a disk gave and nobody filled. */
const paddings = [1, 512, 40_960];
const garbageBytes = 300;
const unreadFiles = 2000;
const partsPerDay = 100;
const readWithinMs = 45_000;
const missingWithinMs = 1_200_000;

/** What happens to the compressed days, and to what is left unread for long. */
export const archiveFaults: readonly Fault[] = [
  {
    name: "zeros-behind-archives",
    what: `${paddings.join(", ")} zero bytes, and ${garbageBytes} of garbage, behind the archives that are read at the start`,
    async run(stage) {
      await end(stage);
      for (const bytes of paddings) appendFileSync(await compressedDay(stage), Buffer.alloc(bytes));
      appendFileSync(await compressedDay(stage), Buffer.concat([Buffer.from("x"), randomBytes(garbageBytes)]));
      await stage.forwarder.start();
      await stage.settled();
    },
  },
  {
    name: "archive-cut-and-whole-later",
    what: "an archive is cut off when it is met and whole later; what comes behind it goes on, and the status names it",
    async run(stage) {
      await stage.settled();
      const from = stage.ledger.end;
      await end(stage);
      const archive = await compressedDay(stage);
      stage.ledger.allowLate(from, stage.ledger.end);
      const whole = readFileSync(archive);
      const length = stage.between(Math.floor(whole.length / 5), whole.length - 9);
      truncateSync(archive, length);
      await stage.forwarder.start();
      await stage.arrival(10_000);
      await statusSays(stage, new RegExp(basename(archive).replaceAll(".", String.raw`\.`)));
      if (stage.random() < 0.5) appendFileSync(archive, whole.subarray(length));
      else {
        const copy = stage.directory.join("copy.gz");
        writeFileSync(copy, whole, { mode: 0o640 });
        stage.ground.give(copy);
        renameSync(copy, archive);
      }
      await stage.settled();
    },
  },
  {
    name: "unread-files",
    what: `${unreadFiles} files are begun while the forwarder is away`,
    isAlone: true,
    async run(stage) {
      await stage.forwarder.stop();
      await withoutLoad(stage, async () => {
        for (let file = 1; file <= unreadFiles; file++) {
          stage.analysisd.emit(2);
          await stage.analysisd.rotate({ isNewDay: file % partsPerDay === 0 });
        }
        const startedMs = performance.now();
        await stage.forwarder.start();
        await stage.settled(missingWithinMs);
        inTime(`the reading of ${unreadFiles} files`, performance.now() - startedMs, readWithinMs);
      });
      removeOld(stage);
    },
  },
];

/** Away by one way or the other. */
async function end(stage: Stage): Promise<void> {
  if (stage.random() < 0.5) await stage.forwarder.kill();
  else await stage.forwarder.stop();
}

/** A new day; what was written until then is compressed. @returns path of the archive */
async function compressedDay(stage: Stage): Promise<string> {
  await stage.pass(stage.between(200, 600));
  const day = stage.analysisd.datedFile;
  await stage.analysisd.rotate({ isNewDay: true });
  stage.analysisd.compress(day);
  return `${day}.gz`;
}

/** What monitord does to days that are kept no longer. All of them were read. */
function removeOld({ alertsDirectory, analysisd }: Stage): void {
  for (const entry of readdirSync(alertsDirectory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && path !== analysisd.datedFile && path !== analysisd.alertsJson) rmSync(path);
  }
}
