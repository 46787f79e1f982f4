import { chmodSync, copyFileSync, renameSync, truncateSync } from "node:fs";
import type { Fault } from "../fault.ts";
import { check, statusSays, withoutLoad } from "./support.ts";

const lineLimitBytes = 16 * 1_048_576;

/** What happens to the bytes of the log, and to the files as a whole. */
export const fileFaults: readonly Fault[] = [
  {
    name: "lines-in-pieces",
    keepsProcess: true,
    what: "three lines come in pieces cut anywhere, with pauses",
    async run(environment) {
      await withoutLoad(environment, async () => {
        const alerts = [0, 1, 2].map(() => environment.maker.make(true, "odd"));
        for (const alert of alerts) environment.ledger.add(alert);
        let rest = Buffer.concat(alerts.map(({ line }) => line));
        while (rest.length > 0) {
          const length = environment.between(1, 1500);
          environment.writeBytes(rest.subarray(0, length));
          environment.analysisd.flush();
          rest = rest.subarray(length);
          await environment.pass(environment.between(0, 300));
        }
      });
    },
  },
  {
    name: "long-lines",
    keepsProcess: true,
    what: "lines of 60 KB, around 64 KiB, 1 MB and 10 MB are delivered; one over 16 MiB is a dead letter",
    async run(environment) {
      for (const longBytes of [60_000, 60_500, 61_000, 65_535, 65_536, 1_000_000, 10_000_000]) {
        environment.write(true, { longBytes });
      }
      const { sequence } = environment.write(true, { longBytes: lineLimitBytes + 1 });
      environment.ledger.expectDead(sequence);
      environment.write(true);
      environment.analysisd.flush();
      await environment.pass(500);
    },
  },
  {
    name: "lines-that-are-none",
    keepsProcess: true,
    what: "lines that are not JSON, empty, nested 100,000 deep, with NUL bytes: dead letters if they look relevant",
    async run(environment) {
      const broken = `{"timestamp":"now","data":{"win":{"system":{"eventID":"4625"}},"x":${environment.between(0, 1e9)}`;
      environment.fragments.push(Buffer.from(broken));
      const deep = `{"data":{"win":{"system":{"eventID":"4625"},"x":${"[".repeat(100_000)}${"]".repeat(100_000)}}}}`;
      const lines = [broken, "", "\r", "null", "[]", "\0\0\0", `{"__proto__":{"a":1}}`, deep];
      // One write, so that no alert of the load comes in between.
      await withoutLoad(environment, async () => {
        for (const line of lines) environment.writeBytes(`${line}\n`);
        environment.analysisd.flush();
        await environment.pass(300);
      });
    },
  },
  {
    name: "truncated",
    keepsProcess: true,
    what: "the file is truncated under the forwarder; what it had not read yet is overwritten, the new lines all come",
    async run(environment) {
      await withoutLoad(environment, async () => {
        await environment.settled();
        truncateSync(environment.analysisd.datedFile, 0);
        environment.analysisd.emit(environment.between(50, 500));
        environment.analysisd.flush();
        await environment.pass(500);
      });
    },
  },
  {
    name: "copied-and-truncated-under-load",
    keepsProcess: true,
    what: "copytruncate while alerts come: what was written since the last look may be lost",
    async run(environment) {
      await environment.settled();
      const settled = environment.ledger.end;
      await environment.pass(environment.between(300, 1000));
      copyFileSync(environment.analysisd.datedFile, environment.directory.join("copied.json"));
      truncateSync(environment.analysisd.datedFile, 0);
      environment.ledger.letOff(settled, environment.ledger.end);
      // The rest of a line whose beginning was cut off.
      environment.ledger.letOff(environment.ledger.end, environment.ledger.end + 1);
      await environment.pass(1000);
    },
  },
  {
    name: "truncated-while-stopped",
    what: "the file is truncated while the forwarder is away",
    async run(environment) {
      await withoutLoad(environment, async () => {
        await environment.settled();
        await environment.forwarder.stop();
        truncateSync(environment.analysisd.datedFile, 0);
        environment.analysisd.emit(environment.between(50, 500));
        environment.analysisd.flush();
        await environment.forwarder.start();
        await environment.pass(500);
      });
    },
  },
  {
    name: "directory-moved",
    keepsProcess: true,
    what: "the directory of the log is away for seconds; the status says so",
    async run(environment) {
      const away = `${environment.alertsDirectory}-away`;
      renameSync(environment.alertsDirectory, away);
      try {
        await statusSays(environment, /does not exist/, 4000);
        await environment.pass(environment.between(0, 2000));
      } finally {
        renameSync(away, environment.alertsDirectory);
      }
    },
  },
  {
    name: "file-unreadable",
    what: "the forwarder may not read the log when it starts; the status says so and who it is",
    needs: ["root"],
    async run(environment) {
      const { datedFile } = environment.analysisd;
      await environment.forwarder.stop();
      chmodSync(datedFile, 0o600);
      environment.testBed.takeBack(datedFile);
      try {
        await environment.forwarder.start();
        await statusSays(environment, /EACCES/, 4000);
        check((await environment.statusOf()).includes("uid"), "the status does not say as whom it reads");
      } finally {
        environment.testBed.give(datedFile);
        chmodSync(datedFile, 0o640);
      }
    },
  },
];
