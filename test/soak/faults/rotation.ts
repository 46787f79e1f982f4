import type { Fault } from "../fault.ts";
import type { Stage } from "../stage.ts";

/** What the manager does with the files of its log. Days last seconds here. */
export const rotationFaults: readonly Fault[] = [
  {
    name: "midnight",
    what: "a new day, up to 500 ms without alerts.json, and yesterday's file compressed",
    async run(stage) {
      const yesterday = stage.analysisd.datedFile;
      await stage.analysisd.rotate({ isNewDay: true, absentMs: stage.between(0, 500) });
      await stage.pass(stage.between(100, 1500));
      stage.analysisd.compress(yesterday);
    },
  },
  {
    name: "parts",
    what: "several parts of one day in short order",
    async run(stage) {
      for (let part = stage.between(2, 5); part > 0; part--) {
        await stage.analysisd.rotate({ absentMs: stage.between(0, 300) });
        await stage.pass(stage.between(0, 500));
      }
    },
  },
  {
    name: "quiet-midnight",
    what: "yesterday's file is compressed and removed while alerts still go into it, until a late event brings the new day",
    async run(stage) {
      stage.analysisd.flush();
      stage.analysisd.compress(stage.analysisd.datedFile);
      await stage.pass(stage.between(500, 1500));
      await stage.analysisd.rotate({ isNewDay: true, absentMs: stage.between(0, 200) });
    },
  },
  {
    name: "rotated-while-stopped",
    what: "several files are begun while the forwarder is away",
    async run(stage) {
      await stage.forwarder.stop();
      for (const isNewDay of [true, false, true]) {
        await stage.pass(stage.between(200, 800));
        await stage.analysisd.rotate({ isNewDay });
      }
      await stage.pass(500);
      await stage.forwarder.start();
    },
  },
  {
    name: "compressed-while-stopped",
    what: "the file it stopped in and the days after it are compressed while the forwarder is away, parts are not",
    async run(stage) {
      await stage.forwarder.stop();
      await compressedDays(stage, 2);
      await stage.forwarder.start();
    },
  },
  {
    name: "compressed-while-killed",
    what: "the same after SIGKILL",
    async run(stage) {
      await stage.forwarder.kill();
      await compressedDays(stage, 2);
      await stage.forwarder.start();
    },
  },
  {
    name: "compressed-while-read",
    what: "the file is compressed and removed while the forwarder stands still in the middle of it",
    async run(stage) {
      const standing = stage.forwarder.standStill(2500);
      await stage.pass(300);
      const yesterday = stage.analysisd.datedFile;
      await stage.analysisd.rotate({ isNewDay: true });
      await stage.pass(300);
      stage.analysisd.compress(yesterday);
      await standing;
    },
  },
  {
    name: "killed-in-archive",
    what: "SIGKILL while a compressed file is read, several times",
    async run(stage) {
      await stage.forwarder.stop();
      stage.analysisd.emit(4000);
      await compressedDays(stage, 1);
      for (let round = 0; round < 3; round++) {
        stage.forwarder.launch();
        await stage.pass(stage.between(300, 1500));
        await stage.forwarder.kill();
      }
      await stage.forwarder.start();
    },
  },
  {
    name: "manager-restarted",
    what: "analysisd is restarted: the same file goes on and is linked anew",
    run: (stage) => stage.analysisd.restart({ absentMs: stage.between(0, 500) }),
  },
  {
    name: "manager-killed",
    what: "analysisd is killed within a line and goes on in it: whole alerts are taken, the rest is a dead letter",
    async run(stage) {
      for (let round = stage.between(1, 3); round > 0; round--) {
        const { line } = stage.maker.make(true, "odd");
        const torn = line.subarray(0, stage.between(Math.floor(line.length * 0.9), line.length - 4));
        stage.scraps.push(torn);
        await stage.analysisd.restart({ torn, absentMs: stage.between(0, 500) });
        // The rest of the line.
        stage.write(true);
        await stage.pass(300);
      }
    },
  },
];

/** So many days pass; each is compressed, its second part is not. */
async function compressedDays(stage: Stage, days: number): Promise<void> {
  for (let day = 0; day < days; day++) {
    const first = stage.analysisd.datedFile;
    const isPart = /-\d{3}\.json$/.test(first);
    await stage.pass(stage.between(200, 700));
    await stage.analysisd.rotate();
    await stage.pass(stage.between(200, 700));
    await stage.analysisd.rotate({ isNewDay: true });
    // monitord compresses the first file of a day only (Wazuh 4.14 source: src/monitord/manage_files.c:50).
    if (!isPart) stage.analysisd.compress(first);
  }
}
