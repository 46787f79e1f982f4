import type { Fault } from "../fault.ts";
import type { Environment } from "../environment.ts";

/** What the manager does with the files of its log. Days last seconds here. */
export const rotationFaults: readonly Fault[] = [
  {
    name: "midnight",
    keepsProcess: true,
    what: "a new day, up to 500 ms without alerts.json, and yesterday's file compressed",
    async run(environment) {
      const yesterday = environment.analysisd.datedFile;
      await environment.analysisd.rotate({ isNewDay: true, absentMs: environment.between(0, 500) });
      await environment.pass(environment.between(100, 1500));
      environment.analysisd.compress(yesterday);
    },
  },
  {
    name: "parts",
    keepsProcess: true,
    what: "several parts of one day in short order",
    async run(environment) {
      for (let part = environment.between(2, 5); part > 0; part--) {
        await environment.analysisd.rotate({ absentMs: environment.between(0, 300) });
        await environment.pass(environment.between(0, 500));
      }
    },
  },
  {
    name: "quiet-midnight",
    keepsProcess: true,
    what: "yesterday's file is compressed and removed while alerts still go into it, until a late event brings the new day",
    async run(environment) {
      environment.analysisd.flush();
      environment.analysisd.compress(environment.analysisd.datedFile);
      await environment.pass(environment.between(500, 1500));
      await environment.analysisd.rotate({ isNewDay: true, absentMs: environment.between(0, 200) });
    },
  },
  {
    name: "rotated-while-stopped",
    what: "several files are begun while the forwarder is away",
    async run(environment) {
      await environment.forwarder.stop();
      for (const isNewDay of [true, false, true]) {
        await environment.pass(environment.between(200, 800));
        await environment.analysisd.rotate({ isNewDay });
      }
      await environment.pass(500);
      await environment.forwarder.start();
    },
  },
  {
    name: "compressed-while-stopped",
    what: "the file it stopped in and the days after it are compressed while the forwarder is away, parts are not",
    async run(environment) {
      await environment.forwarder.stop();
      await compressedDays(environment, 2);
      await environment.forwarder.start();
    },
  },
  {
    name: "compressed-while-killed",
    what: "the same after SIGKILL",
    async run(environment) {
      await environment.forwarder.kill();
      await compressedDays(environment, 2);
      await environment.forwarder.start();
    },
  },
  {
    name: "compressed-while-read",
    what: "the file is compressed and removed while the forwarder is stopped in the middle of it",
    async run(environment) {
      const suspended = environment.forwarder.suspend(2500);
      await environment.pass(300);
      const yesterday = environment.analysisd.datedFile;
      await environment.analysisd.rotate({ isNewDay: true });
      await environment.pass(300);
      environment.analysisd.compress(yesterday);
      await suspended;
    },
  },
  {
    name: "killed-in-archive",
    what: "SIGKILL while a compressed file is read, several times",
    async run(environment) {
      await environment.forwarder.stop();
      environment.analysisd.emit(4000);
      await compressedDays(environment, 1);
      for (let round = 0; round < 3; round++) {
        environment.forwarder.launch();
        await environment.pass(environment.between(300, 1500));
        await environment.forwarder.kill();
      }
      await environment.forwarder.start();
    },
  },
  {
    name: "manager-restarted",
    keepsProcess: true,
    what: "analysisd is restarted: the same file continues and is linked again",
    run: (environment) => environment.analysisd.restart({ absentMs: environment.between(0, 500) }),
  },
  {
    name: "manager-killed",
    keepsProcess: true,
    what: "analysisd is killed within a line and continues in it: whole alerts are taken, the rest is a dead letter",
    async run(environment) {
      for (let round = environment.between(1, 3); round > 0; round--) {
        const { line } = environment.maker.make(true, "odd");
        const torn = line.subarray(0, environment.between(Math.floor(line.length * 0.9), line.length - 4));
        environment.fragments.push(torn);
        await environment.analysisd.restart({ torn, absentMs: environment.between(0, 500) });
        // The rest of the line.
        environment.write(true);
        await environment.pass(300);
      }
    },
  },
];

/** The given number of days pass; each is compressed, its second part is not. */
async function compressedDays(environment: Environment, days: number): Promise<void> {
  for (let day = 0; day < days; day++) {
    const first = environment.analysisd.datedFile;
    const isPart = /-\d{3}\.json$/.test(first);
    await environment.pass(environment.between(200, 700));
    await environment.analysisd.rotate();
    await environment.pass(environment.between(200, 700));
    await environment.analysisd.rotate({ isNewDay: true });
    // monitord compresses the first file of a day only (Wazuh 4.14 source: src/monitord/manage_files.c:50).
    if (!isPart) environment.analysisd.compress(first);
  }
}
