import { chmodSync, copyFileSync, renameSync, truncateSync } from "node:fs";
import type { Fault } from "../fault.ts";
import { check, statusSays, withoutLoad } from "./support.ts";

const lineLimitBytes = 16 * 1_048_576;

/** What happens to the bytes of the log, and to the files as a whole. */
export const fileFaults: readonly Fault[] = [
  {
    name: "lines-in-pieces",
    what: "three lines come in pieces cut anywhere, with pauses",
    async run(stage) {
      await withoutLoad(stage, async () => {
        const alerts = [0, 1, 2].map(() => stage.maker.make(true, "odd"));
        for (const alert of alerts) stage.ledger.add(alert);
        let rest = Buffer.concat(alerts.map(({ line }) => line));
        while (rest.length > 0) {
          const length = stage.between(1, 1500);
          stage.writeBytes(rest.subarray(0, length));
          stage.analysisd.flush();
          rest = rest.subarray(length);
          await stage.pass(stage.between(0, 300));
        }
      });
    },
  },
  {
    name: "long-lines",
    what: "lines of 60 KB, around 64 KiB, 1 MB and 10 MB are delivered; one over 16 MiB is a dead letter",
    async run(stage) {
      for (const longBytes of [60_000, 60_500, 61_000, 65_535, 65_536, 1_000_000, 10_000_000]) {
        stage.write(true, { longBytes });
      }
      const { sequence } = stage.write(true, { longBytes: lineLimitBytes + 1 });
      stage.ledger.expectDead(sequence);
      stage.write(true);
      stage.analysisd.flush();
      await stage.pass(500);
    },
  },
  {
    name: "lines-that-are-none",
    what: "lines that are no JSON, empty, nested 100,000 deep, with NUL bytes: dead letters where they look relevant",
    async run(stage) {
      const broken = `{"timestamp":"now","data":{"win":{"system":{"eventID":"4625"}},"x":${stage.between(0, 1e9)}`;
      stage.scraps.push(Buffer.from(broken));
      const deep = `{"data":{"win":{"system":{"eventID":"4625"},"x":${"[".repeat(100_000)}${"]".repeat(100_000)}}}}`;
      const lines = [broken, "", "\r", "null", "[]", "\0\0\0", `{"__proto__":{"a":1}}`, deep];
      // One write, so that no alert of the load comes in between.
      await withoutLoad(stage, async () => {
        for (const line of lines) stage.writeBytes(`${line}\n`);
        stage.analysisd.flush();
        await stage.pass(300);
      });
    },
  },
  {
    name: "truncated",
    what: "the file is truncated under the forwarder; what it had not read yet is overwritten, the new lines all come",
    async run(stage) {
      await withoutLoad(stage, async () => {
        await stage.settled();
        truncateSync(stage.analysisd.datedFile, 0);
        stage.analysisd.emit(stage.between(50, 500));
        stage.analysisd.flush();
        await stage.pass(500);
      });
    },
  },
  {
    name: "copied-and-truncated-under-load",
    what: "copytruncate while alerts come: what was written since the last look may be lost",
    async run(stage) {
      await stage.settled();
      const settled = stage.ledger.end;
      await stage.pass(stage.between(300, 1000));
      copyFileSync(stage.analysisd.datedFile, stage.directory.join("copied.json"));
      truncateSync(stage.analysisd.datedFile, 0);
      stage.ledger.letOff(settled, stage.ledger.end);
      // The rest of a line whose beginning was cut away.
      stage.ledger.letOff(stage.ledger.end, stage.ledger.end + 1);
      await stage.pass(1000);
    },
  },
  {
    name: "truncated-while-stopped",
    what: "the file is truncated while the forwarder is away",
    async run(stage) {
      await withoutLoad(stage, async () => {
        await stage.settled();
        await stage.forwarder.stop();
        truncateSync(stage.analysisd.datedFile, 0);
        stage.analysisd.emit(stage.between(50, 500));
        stage.analysisd.flush();
        await stage.forwarder.start();
        await stage.pass(500);
      });
    },
  },
  {
    name: "directory-moved",
    what: "the directory of the log is away for seconds; the status says so",
    async run(stage) {
      const away = `${stage.alertsDirectory}-away`;
      renameSync(stage.alertsDirectory, away);
      try {
        await statusSays(stage, /is not there/, 4000);
        await stage.pass(stage.between(0, 2000));
      } finally {
        renameSync(away, stage.alertsDirectory);
      }
    },
  },
  {
    name: "file-unreadable",
    what: "the forwarder may not read the log when it starts; the status says so and who it is",
    needs: ["root"],
    async run(stage) {
      const { datedFile } = stage.analysisd;
      await stage.forwarder.stop();
      chmodSync(datedFile, 0o600);
      stage.ground.takeBack(datedFile);
      try {
        await stage.forwarder.start();
        await statusSays(stage, /EACCES/, 4000);
        check((await stage.statusOf()).includes("uid"), "the status does not say as whom it reads");
      } finally {
        stage.ground.give(datedFile);
        chmodSync(datedFile, 0o640);
      }
    },
  },
];
