import { randomBytes } from "node:crypto";
import { appendFileSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { inTime, type Fault } from "../fault.ts";
import type { Environment } from "../environment.ts";
import { statusSays, withoutLoad } from "./support.ts";

/** What follows an archive: padding to the sectors of a tape, or to blocks that a disk allocated and nobody filled. */
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
    async run(environment) {
      await end(environment);
      for (const bytes of paddings) appendFileSync(await compressedDay(environment), Buffer.alloc(bytes));
      appendFileSync(await compressedDay(environment), Buffer.concat([Buffer.from("x"), randomBytes(garbageBytes)]));
      await environment.forwarder.start();
      await environment.settled();
    },
  },
  {
    name: "archive-cut-and-whole-later",
    what: "an archive is cut off when it is reached and whole later; what follows it continues, and the status names it",
    async run(environment) {
      await environment.settled();
      const from = environment.ledger.end;
      await end(environment);
      const archive = await compressedDay(environment);
      environment.ledger.allowLate(from, environment.ledger.end);
      const whole = readFileSync(archive);
      const length = environment.between(Math.floor(whole.length / 5), whole.length - 9);
      truncateSync(archive, length);
      await environment.forwarder.start();
      await environment.arrival(10_000);
      await statusSays(environment, new RegExp(basename(archive).replaceAll(".", String.raw`\.`)));
      if (environment.random() < 0.5) appendFileSync(archive, whole.subarray(length));
      else {
        const copy = environment.directory.join("copy.gz");
        writeFileSync(copy, whole, { mode: 0o640 });
        environment.testBed.give(copy);
        renameSync(copy, archive);
      }
      await environment.settled();
    },
  },
  {
    name: "unread-files",
    what: `${unreadFiles} files are begun while the forwarder is away`,
    isAlone: true,
    async run(environment) {
      await environment.forwarder.stop();
      await withoutLoad(environment, async () => {
        for (let file = 1; file <= unreadFiles; file++) {
          environment.analysisd.emit(2);
          await environment.analysisd.rotate({ isNewDay: file % partsPerDay === 0 });
        }
        const startedMs = performance.now();
        await environment.forwarder.start();
        await environment.settled(missingWithinMs);
        inTime(`the reading of ${unreadFiles} files`, performance.now() - startedMs, readWithinMs);
      });
      removeOld(environment);
    },
  },
];

/** Removed by either way. */
async function end(environment: Environment): Promise<void> {
  if (environment.random() < 0.5) await environment.forwarder.kill();
  else await environment.forwarder.stop();
}

/** A new day; what was written until then is compressed. @returns path of the archive */
async function compressedDay(environment: Environment): Promise<string> {
  await environment.pass(environment.between(200, 600));
  const day = environment.analysisd.datedFile;
  await environment.analysisd.rotate({ isNewDay: true });
  environment.analysisd.compress(day);
  return `${day}.gz`;
}

/** What monitord does to days that are past their retention. All of them were read. */
function removeOld({ alertsDirectory, analysisd }: Environment): void {
  for (const entry of readdirSync(alertsDirectory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && path !== analysisd.datedFile && path !== analysisd.alertsJson) rmSync(path);
  }
}
